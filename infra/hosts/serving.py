"""Kubelets' serving certificates: signed by the cluster, so that the API server knows which kubelet it talks to.

Kubernetes approves such requests for nobody. Ours are approved here, each only if it is what the node itself must ask
for; one that asks for more stays pending and is named. A kubelet asks again before its certificate ends, and the next
`platform up` approves that.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

from cryptography import x509

from infra.hosts.controlplane import kubectl, kubelet_says
from infra.hosts.errors import DeadlinePassed, HostError
from infra.hosts.transport import Transport

SIGNER = "kubernetes.io/kubelet-serving"
CERTIFICATE = "/var/lib/kubelet/pki/kubelet-server-current.pem"
APPROVAL_SECONDS = 60.0
_USAGES = ({"digital signature", "server auth"}, {"digital signature", "key encipherment", "server auth"})


def pending(requests: Mapping[str, Any], node: str) -> list[dict[str, Any]]:
    """The node's own requests that nobody has decided about, from `kubectl get csr -o json`."""
    return [
        item
        for item in requests.get("items", [])
        if item["spec"]["signerName"] == SIGNER
        and item["spec"].get("username") == f"system:node:{node}"
        and not item.get("status", {}).get("conditions")
    ]


def objection(request: Mapping[str, Any], node: str, address: str) -> str | None:
    """Why a request must not be approved, or None. It may name the node and its address, nothing else."""
    spec = request["spec"]
    if "system:nodes" not in spec.get("groups", []):
        return "it was not made by a node"
    if set(spec.get("usages", [])) not in _USAGES:
        return f"it asks for usages {', '.join(spec.get('usages', []))}"
    try:
        asked = x509.load_pem_x509_csr(base64.b64decode(spec["request"]))
        names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound) as error:
        return f"it cannot be read: {error}"
    subject = {attribute.rfc4514_attribute_name: attribute.value for attribute in asked.subject}
    if subject != {"CN": f"system:node:{node}", "O": "system:nodes"}:
        return f"its subject is {asked.subject.rfc4514_string()}"
    wanted = {("DNS", node), ("IP", address)}
    found = {("DNS", name) for name in names.get_values_for_type(x509.DNSName)}
    found |= {("IP", str(each)) for each in names.get_values_for_type(x509.IPAddress)}
    if len(found) != len(list(names)) or not found <= wanted:
        return f"it asks for names other than {node} and {address}"
    return None


def has_pending(control_plane: Transport, node: str) -> bool:
    """Whether the node waits for an approval."""
    return bool(pending(_requests(control_plane), node))


def approve(control_plane: Transport, node: Transport, address: str, seconds: float = APPROVAL_SECONDS) -> None:
    """Approves what the node asks for, and waits until it has a certificate.

    Raises HostError for a request that must not be approved, DeadlinePassed where the node does not ask.
    """
    name = node.host
    deadline = time.monotonic() + seconds
    while True:
        waiting = pending(_requests(control_plane), name)
        for request in waiting:
            problem = objection(request, name, address)
            if problem is not None:
                raise HostError(
                    f"node {name} asks for a serving certificate that it must not have: {problem}. Look at it with "
                    f"`kubectl get csr {request['metadata']['name']} -o yaml`; a compromised node would do this."
                )
            kubectl(control_plane, "certificate", "approve", request["metadata"]["name"])
        if not waiting and node.run(["test", "-e", CERTIFICATE], check=False).code == 0:
            return
        if time.monotonic() > deadline:
            said = kubelet_says(node)
            raise DeadlinePassed(f"node {name} has no serving certificate after {seconds:.0f} s. {said}")
        time.sleep(0.5)


def _requests(control_plane: Transport) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(kubectl(control_plane, "get", "csr", "-o", "json"))
    return found
