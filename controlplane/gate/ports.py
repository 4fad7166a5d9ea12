"""What the gate needs from Kubernetes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

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


class CallReviewer(Protocol):
    def may_call(self, user: str, groups: tuple[str, ...], namespace: str, endpoint: str) -> bool:
        """Whether RBAC lets them call that model endpoint. Raises `errors.Temporary` when nobody can tell."""
        ...
