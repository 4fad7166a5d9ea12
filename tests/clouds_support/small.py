"""A small program, and the cloud to run it in from several homes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi

from infra.clouds.state.opening import place
from infra.engine.folder import FileFolder, StateFolder
from tests.clouds_support.harness import Cloud

COMMAND = "platform up --profile aws"


@dataclass(frozen=True)
class Pair:
    """A bucket, whose id is its name, and a network, whose id the cloud makes up."""

    def __call__(self) -> None:
        import pulumi_aws as aws

        aws.s3.Bucket("bucket", bucket="mlp-driver-artifacts")
        aws.ec2.Vpc("network", cidr_block="10.0.0.0/16")
        pulumi.export("secret", pulumi.Output.secret("canary-output"))


class Names:
    """A bucket's id is its name."""

    def resource(self, kind: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"id": inputs["bucket"]} if kind == "aws:s3/bucket:Bucket" else {}

    def call(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        raise LookupError(token)


def identify(kind: str, name: str, inputs: Mapping[str, Any]) -> str:
    """As the installer's own."""
    return str(Names().resource(kind, name, inputs).get("id", ""))


def state_at(url: str) -> StateFolder | None:
    """The place behind a URL; None for the home itself."""
    if url == "home":
        return None
    found = place(url)
    match found.scheme:
        case "file":
            return FileFolder(Path(found.prefix))
        case "gs":
            from infra.clouds.state.gs import GoogleFolder

            return GoogleFolder(url, found, None)
        case "azblob":
            from infra.clouds.state.azblob import AzureFolder

            return AzureFolder(url, found, None)
    from infra.clouds.state.s3 import S3Folder

    return S3Folder(url, found)


def cloud_at(folder: Path, state: str, **engine: Any) -> Cloud:
    """The cloud with everybody's passphrase, so that two homes can share a state."""
    given = {"command": COMMAND, "identify": identify} | engine
    return Cloud(folder, Names(), state=state_at(state), passphrase=lambda: "canary-passphrase", **given)
