"""What the gate needs from Kubernetes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from controlplane.kube.client import Access
from controlplane.serving.endpoints import Endpoint

AUDIENCE = "mlp"


@dataclass(frozen=True)
class Reviewed:
    """A token that the API server knows for our audience."""

    user: str
    groups: tuple[str, ...]


class TokenReviewer(Protocol):
    def review(self, token: str) -> Reviewed | None:
        """None: the API server does not know the token for our audience. Raises `errors.Temporary` when it is away."""
        ...


@dataclass(frozen=True)
class Minted:
    """A token made just now, and how long it lives."""

    token: str = field(repr=False)
    seconds: float


class TokenMinter(Protocol):
    def mint(self) -> Minted:
        """A token of the account that speaks for people. Raises a `errors.ControlPlaneError`."""
        ...


class AccessReviewer(Protocol):
    def allowed(self, access: Access) -> bool:
        """RBAC's answer. Raises `errors.Temporary` when nobody can tell."""
        ...


class EndpointReader(Protocol):
    def endpoints(self, namespace: str) -> Iterable[Endpoint]:
        """Every model endpoint of a namespace. Raises an `errors.ControlPlaneError`, also while it is read."""
        ...
