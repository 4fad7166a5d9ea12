"""The project's APIs."""

from __future__ import annotations

import pulumi
from pulumi_gcp import projects

from infra.clusters.gcp.apis import APIS
from infra.profile.gcp import Gcp


class Services(pulumi.ComponentResource):
    """Switched on, and never off again: others may use them too."""

    def __init__(self, gcp: Gcp, options: pulumi.ResourceOptions) -> None:
        super().__init__("mlp:gcp:Services", "services", None, options)
        self.all = [
            projects.Service(
                api.partition(".")[0],
                service=api,
                project=gcp.project,
                disable_on_destroy=False,
                disable_dependent_services=False,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for api in APIS
        ]
        self.register_outputs({"apis": list(APIS)})
