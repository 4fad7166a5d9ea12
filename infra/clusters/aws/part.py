"""Base of the program's parts."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from infra.clusters.aws.scope import Scope


class Part(pulumi.ComponentResource):
    """Groups resources of one subject. Everything in it has the part as its parent and the part's provider."""

    def __init__(self, kind: str, name: str, scope: Scope, opts: pulumi.ResourceOptions | None) -> None:
        super().__init__(f"mlp:aws:{kind}", name, None, opts)
        self.scope = scope

    def own(
        self,
        *,
        after: Sequence[pulumi.Resource] = (),
        ignore: Sequence[str] = (),
        data: bool = False,
        replace_first: bool = False,
    ) -> pulumi.ResourceOptions:
        """Options of a resource in the part. `data`: what nobody may delete while the profile protects data.
        `replace_first`: its name is taken as long as the old one is there."""
        return pulumi.ResourceOptions(
            parent=self,
            depends_on=list(after) or None,
            ignore_changes=list(ignore) or None,
            protect=True if data and self.scope.protected else None,
            delete_before_replace=True if replace_first else None,
        )
