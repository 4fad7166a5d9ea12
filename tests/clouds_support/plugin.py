"""`python -m tests.clouds_support.plugin --package=aws --store=FOLDER <engine address>`: as the engine starts it."""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, cast

from pulumi.provider.experimental.property_value import PropertyValue

from infra.clusters.sdk import PACKAGES
from infra.providers.plugin.server import Servicer, serve
from infra.providers.plugin.values import plain_map
from tests.clouds_support.provider import CloudProvider, CloudRefused
from tests.clouds_support.store import Store


class CloudServicer(Servicer):
    """A cloud's refusals are for the operator."""

    expected: ClassVar[tuple[type[Exception], ...]] = (CloudRefused,)

    async def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        provider = cast("CloudProvider", self._provider)
        provider.given[request.urn] = plain_map(PropertyValue.unmarshal_map(request.old_inputs))
        return await super().Diff(request, context)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--package", required=True)
    parser.add_argument("--store", required=True, type=Path)
    given = parser.parse_known_args()[0]
    store = Store(given.store)
    serve(version(PACKAGES[given.package]), CloudServicer, lambda _: CloudProvider(store, given.package))


if __name__ == "__main__":
    main()
