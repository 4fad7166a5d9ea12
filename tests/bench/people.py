"""What the way through the gateway adds to a call to the Kubernetes API: `python -m tests.bench.people [n]`.

Real nginx, control plane (gunicorn), PostgreSQL and API server on this machine. The same calls are made straight to the
API server with a client certificate, in turn with those through the gateway, over one kept connection each.
"""

from __future__ import annotations

import ssl
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from http.client import HTTPSConnection
from urllib.parse import urlsplit

from components.control_plane.people import people_objects
from components.names import CONTROL_PLANE_SERVICE_ACCOUNT, Role, tenant_group
from tests.bench.control_plane import QUOTA, create, start
from tests.contract.reconcile.world import World
from tests.servers.gateway import gateway
from tests.servers.kubernetes import Authority


def _install(world: World) -> None:
    """The account that speaks for people, and a control plane that may make its tokens."""
    for obj in people_objects():
        world.admin.apply(obj)
    mint = next(obj for obj in people_objects() if obj["kind"] == "RoleBinding")
    # The bench's control plane has one account for all of its parts.
    world.admin.apply({**mint, "subjects": [{**mint["subjects"][0], "name": CONTROL_PLANE_SERVICE_ACCOUNT}]})


def _caller(connection: HTTPSConnection, prefix: str, headers: dict[str, str]) -> Callable[[str], float]:
    """Makes one GET and says how many milliseconds it took."""

    def call(path: str) -> float:
        began = time.perf_counter()
        connection.request("GET", f"{prefix}{path}", headers=headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")
        return (time.perf_counter() - began) * 1000

    return call


def main(count: int = 200) -> None:
    with ExitStack() as stack:
        started = start(stack)
        _install(started.world)
        server = started.world.server
        with started.api() as api:
            api.post("/tenants", json={"slug": "bench", "quota": QUOTA}).raise_for_status()
            api.post("/tenants/bench/members", json={"subject": "admin", "role": "member"}).raise_for_status()
            create(api, "lab")
            token = api.headers["Authorization"]
        folder = started.folder / "front"
        folder.mkdir()
        front = stack.enter_context(gateway(folder, control_plane_port=started.port, kubernetes=server))
        context = ssl.create_default_context(cafile=str(server.ca_file))
        issued = Authority(server.folder / "pki").issue("bench", "bench", [tenant_group("bench", Role.MEMBER)])
        context.load_cert_chain(*issued)
        address = urlsplit(server.url)
        straight = _caller(HTTPSConnection(str(address.hostname), address.port, context=context), "", {})
        through = _caller(
            HTTPSConnection("localhost", front.port, context=front.context), "/kubernetes", {"Authorization": token}
        )
        pods = "/api/v1/namespaces/ws-bench--lab/pods"
        for name, path in (("list of pods", pods), ("OpenAPI document of apps", "/openapi/v3/apis/apps/v1")):
            for call in (straight, through):
                for _ in range(10):
                    call(path)
            pairs = [(straight(path), through(path)) for _ in range(count)]
            near, far = (statistics.median(times) for times in zip(*pairs, strict=True))
            print(  # noqa: T201
                f"{name}: straight {near:.1f} ms, through the gateway {far:.1f} ms, ratio {far / near:.1f}, n={count}"
            )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:2]))
