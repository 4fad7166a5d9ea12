"""The kubeconfig, the storage class, the record of the domain, and the installer's permissions."""

from __future__ import annotations

import pickle
import re
import sys

import pytest
import yaml

from infra.clusters.errors import ClusterError
from infra.clusters.gcp.address import program as address_program
from infra.clusters.gcp.classes import STORAGE_CLASS, storage_classes
from infra.clusters.gcp.identity import KEEP_BUCKETS, MAKE_BUCKETS
from infra.clusters.gcp.kubeconfig import kubeconfig
from infra.clusters.gcp.rights import BESIDE, RIGHTS, permissions
from infra.clusters.programs import address_program as programs_address
from infra.clusters.programs import bill, cluster_program
from infra.profile.load import load

KEY = "projects/p/locations/r/keyRings/k/cryptoKeys/disks"


def test_the_kubeconfig_asks_our_own_python_for_tokens() -> None:
    made = yaml.safe_load(kubeconfig("https://10.0.0.2", "bm9uZQ==", "/opt/python"))
    assert made["clusters"][0]["cluster"] == {"server": "https://10.0.0.2", "certificate-authority-data": "bm9uZQ=="}
    assert made["users"][0]["user"] == {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "/opt/python",
            "args": ["-m", "infra.clouds.gcp.token"],
            "interactiveMode": "Never",
            "provideClusterInfo": False,
        }
    }
    assert made["current-context"] == made["contexts"][0]["name"]


def test_volumes_are_encrypted_and_labelled() -> None:
    (made,) = storage_classes(load("gcp", ("gcp.tags.team=ml",)), KEY)
    assert made["metadata"] == {
        "name": STORAGE_CLASS,
        "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
    }
    assert made["provisioner"] == "pd.csi.storage.gke.io"
    assert made["volumeBindingMode"] == "WaitForFirstConsumer"
    assert made["parameters"] == {
        "type": "pd-balanced",
        "disk-encryption-kms-key": KEY,
        "labels": "managed-by=mlp,mlp-installation=gcp,team=ml",
    }


def test_the_record_wants_an_address() -> None:
    made = address_program(load("gcp"), "10.40.0.9")
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301
    with pytest.raises(ClusterError, match=r"'gateway\.example\.com' for an address"):
        address_program(load("gcp"), "gateway.example.com")


def test_a_missing_sdk_is_named_and_not_needed_for_the_bill(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith(("pulumi_gcp", "infra.clusters.gcp"))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "pulumi_gcp", None)
    with pytest.raises(ClusterError, match=r"needs the package pulumi_gcp.*-r infra/clouds/gcp/requirements\.lock"):
        cluster_program(load("gcp"))
    with pytest.raises(ClusterError, match="pulumi_gcp"):
        programs_address(load("gcp"), "10.40.0.9")
    assert bill(load("gcp"))


def test_permissions_are_single_ones() -> None:
    every = [*BESIDE, *MAKE_BUCKETS, *KEEP_BUCKETS, *(each for rights in RIGHTS.values() for each in rights.all)]
    assert [each for each in every if not re.fullmatch(r"[a-z]+(\.[a-zA-Z]+){2}", each)] == []


def test_permissions_are_those_of_the_types() -> None:
    found = permissions(["gcp:kms/keyRing:KeyRing"])
    assert "cloudkms.keyRings.create" in found
    assert "storage.buckets.create" not in found
    assert set(BESIDE) <= set(found)
    with pytest.raises(LookupError, match=r"gcp:redis/instance:Instance; add them to infra/clusters/gcp/rights\.py"):
        permissions(["gcp:redis/instance:Instance"])


def test_the_control_plane_reads_no_object() -> None:
    assert not {"storage.objects.get", "storage.objects.create"} & {*MAKE_BUCKETS, *KEEP_BUCKETS}
