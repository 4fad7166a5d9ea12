"""The one list of tools: what each is, at which version, how it is made and how it says its version. Pure.

Go tools are pinned exactly, by a go.mod and go.sum below go/<module>. Debian tools come at the version of the machine's
Debian release, within a range that was tried. Tools of the virtual environment are pinned by its lock.
`seconds` is what was measured on two cores with some other work beside it, from sources that were fetched already,
with nothing built but the tools before it in the list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

KUBERNETES_VERSION = "1.36.3"
PULUMI_VERSION = "3.250.0"


@dataclass(frozen=True, kw_only=True)
class GoTool:
    """One command of a Go module. The binary has the tool's name."""

    name: str
    version: str
    module: str
    """Folder below go/ with the go.mod that pins it."""
    package: str
    licence: str
    seconds: float
    ask: tuple[str, ...] = ("--version",)
    """Arguments that print its version. Empty: it can't say it, the pinned one counts; then PATH is not searched."""
    defines: tuple[str, ...] = ()
    """`import/path.Variable=value`, set by the linker."""
    overlay: str = ""
    """A module that lacks files as it is served: ours, below _overlay/ beside the go.mod, are compiled with it."""
    on_path: bool = True
    """Whether a binary of this name on PATH may be used: False for names that anything may have."""
    kind: Literal["go module"] = "go module"


@dataclass(frozen=True, kw_only=True)
class DebianTool:
    """An executable of a Debian package, at `at_least` or newer, and older than `below` where newer ones differ."""

    name: str
    package: str
    executable: str
    at_least: str
    licence: str
    seconds: float
    below: str = ""
    ask: tuple[str, ...] = ("--version",)
    """Empty: it can't say its version, the package's counts; then PATH is not searched either."""
    links: tuple[tuple[str, str], ...] = ()
    """Names beside the executable that Debian makes on installation, and what each points at."""
    assumes: tuple[str, ...] = ()
    """Packages whose files the machine has anyway, taken out with all they need."""
    kind: Literal["debian"] = "debian"


@dataclass(frozen=True, kw_only=True)
class VenvTool:
    """A command that a wheel of our own virtual environment brings."""

    name: str
    distribution: str
    licence: str
    seconds: float = 0.0
    kind: Literal["venv"] = "venv"


Spec = GoTool | DebianTool | VenvTool

_MAJOR, _MINOR, _ = KUBERNETES_VERSION.split(".")
_KUBERNETES_DEFINES = tuple(
    f"{package}.{variable}={value}"
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    for variable, value in (
        ("gitVersion", f"v{KUBERNETES_VERSION}"),
        ("gitMajor", _MAJOR),
        ("gitMinor", _MINOR),
        ("gitTreeState", "clean"),
    )
)


def _kubernetes(name: str, seconds: float, ask: tuple[str, ...] = ("--version",)) -> GoTool:
    return GoTool(
        name=name,
        version=KUBERNETES_VERSION,
        module="kubernetes",
        package=f"k8s.io/kubernetes/cmd/{name}",
        licence="Apache-2.0",
        seconds=seconds,
        ask=ask,
        defines=_KUBERNETES_DEFINES,
    )


_ARGO_VERSION = "3.7.0"
_ARGO_MODULE = "github.com/argoproj/argo-workflows/v3"
# Without a commit and a clean tree it calls itself an unknown build of the version.
_ARGO_COMMIT = "d1d689b367c4c8a5a8a095ae60b5d7043f99eda9"


def _argo(name: str, seconds: float, overlay: str = "") -> GoTool:
    return GoTool(
        name=name,
        version=_ARGO_VERSION,
        module="argo-workflows",
        package=f"{_ARGO_MODULE}/cmd/{name}",
        licence="Apache-2.0",
        seconds=seconds,
        ask=("version", "--short"),
        defines=(
            f"{_ARGO_MODULE}.version=v{_ARGO_VERSION}",
            f"{_ARGO_MODULE}.gitTag=v{_ARGO_VERSION}",
            f"{_ARGO_MODULE}.gitCommit={_ARGO_COMMIT}",
            f"{_ARGO_MODULE}.gitTreeState=clean",
        ),
        overlay=overlay,
    )


def _katib(name: str, command: str, seconds: float) -> GoTool:
    return GoTool(
        name=name,
        version="0.19.0",
        module="katib",
        package=f"github.com/kubeflow/katib/cmd/{command}",
        licence="Apache-2.0",
        seconds=seconds,
        ask=(),
    )


_IPTABLES_NAMES = tuple(f"{family}tables{suffix}" for family in ("ip", "ip6") for suffix in ("", "-save", "-restore"))

TOOLS: tuple[Spec, ...] = (
    GoTool(
        name="pause",
        version="1.0.0",
        module="pause",
        package="mlp.io/toolchain/pause",
        licence="ours",
        seconds=1,
        ask=("-version",),
        defines=("main.version=1.0.0",),
        on_path=False,
    ),
    GoTool(
        name="etcd",
        version="3.6.16",
        module="etcd",
        package="go.etcd.io/etcd/server/v3",
        licence="Apache-2.0",
        seconds=25,
    ),
    _kubernetes("kube-apiserver", 238),
    _kubernetes("kubectl", 23, ("version", "--client")),
    _kubernetes("kube-controller-manager", 65),
    _kubernetes("kube-scheduler", 5),
    _kubernetes("kubelet", 20),
    _kubernetes("kube-proxy", 7),
    _kubernetes("kubeadm", 15, ("version", "-o", "short")),
    GoTool(
        name="pulumi",
        version=PULUMI_VERSION,
        module="pulumi",
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        licence="Apache-2.0",
        seconds=160,
        ask=("version",),
        defines=(f"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{PULUMI_VERSION}",),
    ),
    GoTool(
        name="kube-router",
        version="2.1.0",
        module="kube-router",
        package="github.com/cloudnativelabs/kube-router/v2/cmd/kube-router",
        licence="Apache-2.0",
        seconds=50,
        defines=("github.com/cloudnativelabs/kube-router/v2/pkg/version.Version=v2.1.0",),
    ),
    GoTool(
        name="coredns",
        version="1.15.0",
        module="coredns",
        package="github.com/coredns/coredns",
        licence="Apache-2.0",
        seconds=89,
        ask=("-version",),
    ),
    GoTool(
        name="versitygw",
        version="1.8.0",
        module="versitygw",
        package="github.com/versity/versitygw/cmd/versitygw",
        licence="Apache-2.0",
        seconds=46,
        defines=("main.Version=v1.8.0",),
    ),
    GoTool(
        name="local-path-provisioner",
        version="0.0.30",
        module="local-path-provisioner",
        package="github.com/rancher/local-path-provisioner",
        licence="Apache-2.0",
        seconds=12,
        defines=("main.VERSION=v0.0.30",),
    ),
    _argo("workflow-controller", 200),
    _argo("argoexec", 25, overlay=_ARGO_MODULE),
    GoTool(
        name="kserve-manager",
        version="0.17.0",
        module="kserve",
        package="github.com/kserve/kserve/cmd/manager",
        licence="Apache-2.0",
        seconds=145,
        ask=(),
    ),
    _katib("katib-controller", "katib-controller/v1beta1", 28),
    _katib("katib-db-manager", "db-manager/v1beta1", 3),
    _katib("katib-suggestion-goptuna", "suggestion/goptuna/v1beta1", 6),
    _katib("katib-file-metricscollector", "metricscollector/v1beta1/file-metricscollector", 2),
    GoTool(
        name="jobset-controller",
        version="0.11.1",
        module="jobset",
        package="sigs.k8s.io/jobset",
        licence="Apache-2.0",
        seconds=77,
        ask=(),
        defines=("sigs.k8s.io/jobset/pkg/version.GitVersion=v0.11.1",),
    ),
    GoTool(
        name="trainer-controller-manager",
        version="2.2.0",
        module="trainer",
        package="github.com/kubeflow/trainer/v2/cmd/trainer-controller-manager",
        licence="Apache-2.0",
        seconds=60,
        ask=(),
    ),
    GoTool(
        name="training-operator",
        version="1.9.0",
        module="training-operator",
        package="github.com/kubeflow/training-operator/cmd/training-operator.v1",
        licence="Apache-2.0",
        seconds=30,
        ask=(),
    ),
    GoTool(
        name="kueue",
        version="0.15.0",
        module="kueue",
        package="sigs.k8s.io/kueue/cmd/kueue",
        licence="Apache-2.0",
        seconds=110,
        ask=(),
        defines=("sigs.k8s.io/kueue/pkg/version.GitVersion=v0.15.0",),
    ),
    GoTool(
        name="karpenter",
        version="1.13.1",
        module="karpenter",
        package="github.com/aws/karpenter-provider-aws/cmd/controller",
        licence="Apache-2.0",
        seconds=200,
        ask=(),
        defines=("sigs.k8s.io/karpenter/pkg/operator.Version=1.13.1",),
    ),
    GoTool(
        name="fake-gcs-server",
        version="1.56.1",
        module="fake-gcs-server",
        package="github.com/fsouza/fake-gcs-server",
        licence="BSD-2-Clause",
        seconds=60,
        ask=(),
    ),
    DebianTool(
        name="containerd",
        package="containerd",
        executable="containerd",
        at_least="1.6",
        below="2",
        licence="Apache-2.0",
        seconds=12,
    ),
    DebianTool(
        name="runc", package="runc", executable="runc", at_least="1.1", below="2", licence="Apache-2.0", seconds=5
    ),
    DebianTool(
        name="containernetworking-plugins",
        package="containernetworking-plugins",
        executable="bridge",
        at_least="1.1",
        licence="Apache-2.0",
        seconds=7,
        ask=(),
    ),
    DebianTool(
        name="iptables",
        package="iptables",
        executable="iptables",
        at_least="1.8",
        licence="GPL-2.0-or-later",
        seconds=4,
        links=tuple((name, "xtables-nft-multi") for name in _IPTABLES_NAMES),
        assumes=("netbase",),
    ),
    DebianTool(name="ipset", package="ipset", executable="ipset", at_least="7", licence="GPL-2.0-only", seconds=2),
    DebianTool(
        name="nftables", package="nftables", executable="nft", at_least="1.0", licence="GPL-2.0-or-later", seconds=3
    ),
    DebianTool(
        name="conntrack",
        package="conntrack",
        executable="conntrack",
        at_least="1.4",
        licence="GPL-2.0-or-later",
        seconds=2,
    ),
    DebianTool(
        name="ethtool", package="ethtool", executable="ethtool", at_least="5", licence="GPL-2.0-only", seconds=3
    ),
    DebianTool(
        name="socat",
        package="socat",
        executable="socat",
        at_least="1.7",
        licence="GPL-2.0-only",
        seconds=4,
        ask=("-V",),
    ),
    DebianTool(
        name="iproute2",
        package="iproute2",
        executable="ip",
        at_least="5",
        licence="GPL-2.0-or-later",
        seconds=5,
        ask=("-V",),
    ),
    DebianTool(
        name="nginx",
        package="nginx",
        executable="nginx",
        at_least="1.22",
        licence="BSD-2-Clause",
        seconds=4,
        ask=("-v",),
    ),
    DebianTool(
        name="docker-registry",
        package="docker-registry",
        executable="docker-registry",
        at_least="2.8",
        licence="Apache-2.0",
        seconds=4,
    ),
    DebianTool(
        name="sshd",
        package="openssh-server",
        executable="sshd",
        at_least="8.4",
        licence="BSD-2-Clause",
        seconds=4,
        ask=(),
        assumes=("adduser", "debconf", "init-system-helpers", "libpam-modules", "libpam-runtime", "procps", "ucf"),
    ),
    DebianTool(
        name="mmdebstrap",
        package="mmdebstrap",
        executable="mmdebstrap",
        at_least="1.3",
        licence="MIT",
        seconds=10,
        assumes=("python3",),
    ),
    VenvTool(name="uv", distribution="uv", licence="Apache-2.0 OR MIT"),
)

BY_NAME: Mapping[str, Spec] = {spec.name: spec for spec in TOOLS}

_VERSION = re.compile(r"(?<![0-9.])(\d+(?:\.\d+)+(?:[-+~][0-9A-Za-z.+~-]+)?)")
_NUMBERS = re.compile(r"\d+(?:\.\d+)*")


def version_in(text: str, program: str = "") -> str | None:
    """The first version in what a tool printed, with its suffix (`1.36.3-rc.1` is not 1.36.3), or None.

    `program` is the path it was started by: some print it, and it may look like a version.
    """
    found = _VERSION.search(text.replace(program, "") if program else text)
    return found.group(1) if found else None


def numbers(version: str) -> tuple[int, ...]:
    """The numeric part of a version, its Debian epoch left out: `1:1.4.7-1+b2` is (1, 4, 7); () where there is none."""
    found = _NUMBERS.match(version.split(":", 1)[-1])
    return tuple(int(part) for part in found.group().split(".")) if found else ()


def wanted(spec: Spec) -> str:
    """The version that a tool must have, in words."""
    if isinstance(spec, GoTool):
        return spec.version
    if isinstance(spec, DebianTool):
        return f"{spec.at_least} or newer" + (f", below {spec.below}" if spec.below else "")
    return "as locked"


def satisfies(spec: Spec, version: str) -> bool:
    """Whether a found version will do: the very same for Go tools, within the range for Debian's."""
    if isinstance(spec, GoTool):
        return version == spec.version
    if isinstance(spec, DebianTool):
        found = numbers(version)
        return bool(found) and found >= numbers(spec.at_least) and not (spec.below and found >= numbers(spec.below))
    return True
