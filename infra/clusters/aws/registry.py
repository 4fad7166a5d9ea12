"""ECR: a repository for each image, named as `Aws.registry` says."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws

from infra.clusters.aws.part import Part
from infra.clusters.aws.shape import Shape

_UNTAGGED_DAYS, _KEPT = 14, 50


class Registry(Part):
    """Tags can't be pointed elsewhere; what is pushed is scanned; old images go."""

    def __init__(self, shape: Shape, key: pulumi.Output[str], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Registry", "registry", shape.scope, opts)
        for image in shape.repositories:
            name = f"{self.scope.base}/{image}"
            repository = aws.ecr.Repository(
                image,
                name=name,
                image_tag_mutability="IMMUTABLE",
                image_scanning_configuration={"scan_on_push": True},
                encryption_configurations=[{"encryption_type": "KMS", "kms_key": key}],
                # Images can be made again: what protects data does not keep them.
                force_delete=True,
                tags=self.scope.tags(name),
                opts=self.own(),
            )
            aws.ecr.LifecyclePolicy(image, repository=repository.name, policy=_LIFECYCLE, opts=self.own())
        self.register_outputs({})


_LIFECYCLE = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "description": "Untagged images",
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": _UNTAGGED_DAYS,
                },
                "action": {"type": "expire"},
            },
            {
                "rulePriority": 2,
                "description": "All but the newest",
                "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": _KEPT},
                "action": {"type": "expire"},
            },
        ]
    },
    sort_keys=True,
)
