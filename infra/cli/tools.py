"""`platform doctor`, `tools` and `images`: first aid, and the supply of an installation."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from infra.cli import options
from infra.cli.output import Format, chosen, document, err, out, rows
from infra.profile.load import load


class Purpose(StrEnum):
    """Who needs the tools."""

    UP = "up"
    TESTS = "tests"
    CLOUDS = "clouds"


TEST_TOOLS = (
    "kube-apiserver",
    "etcd",
    "kubectl",
    "pulumi",
    "kube-controller-manager",
    "versitygw",
    "nginx",
    "docker-registry",
)
"""What `make test` starts."""
CLOUD_TOOLS = ("kube-scheduler", "karpenter", "fake-gcs-server")
"""What `make clouds` starts beside."""

images_app = typer.Typer(help="Images of an installation.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.command()(doctor)
    app.command()(tools)
    app.add_typer(images_app, name="images")


def doctor(
    profile: options.ProfileName = "local",
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Check this machine: each line green or with its remedy. Holds no secrets. Exit code 1 where one fails."""
    from infra.lifecycle.doctor import examine

    result = examine(load(profile))
    if not document(result, chosen(output, as_json)):
        for check in result["checks"]:
            sign = {"ok": "[green]✓[/]", "warning": "[yellow]![/]"}.get(check["state"], "[red]✗[/]")
            out.print(f"{sign} {check['name']}: ", end="")
            out.print(check["found"], markup=False)
            if check["remedy"]:
                out.print(f"    {check['remedy']}", markup=False)
    if any(check["state"] == "failed" for check in result["checks"]):
        raise typer.Exit(1)


def tools(
    purpose: Annotated[
        Purpose, typer.Option("--for", help="Which set of tools: of an installation, of tests, of tests of clouds.")
    ] = Purpose.UP,
    profile: options.ProfileName = "local",
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Find or build the tools, without installing anything else."""
    from components.catalog import CATALOG
    from infra.lifecycle import supplies
    from infra.lifecycle.facts import chosen_components

    loaded = load(profile)
    components: supplies.Chosen = chosen_components(loaded)
    if purpose is not Purpose.UP:
        names = [*TEST_TOOLS, *(CLOUD_TOOLS if purpose is Purpose.CLOUDS else ())]
        components = [(each, each.settings()) for each in CATALOG]
    else:
        names = supplies.wanted_tools(loaded, supplies.wanted_images(loaded, components))

    def say(detail: str) -> None:
        err.print(f"  {detail}", markup=False)

    found = supplies.get_tools(names, say)
    supplies.get_upstream(components, say)
    listed = [{"name": t.name, "version": t.version, "origin": t.origin, "path": str(t.path)} for t in found.values()]
    if not document(listed, chosen(output, as_json)):
        columns = [(key, lambda t, key=key: t[key]) for key in ("name", "version", "origin", "path")]
        rows(listed, columns, "")


@images_app.command("list")
def list_images(
    profile: options.ProfileName = "local", output: options.Output = Format.TABLE, as_json: options.Json = False
) -> None:
    """List the images of the installation; builds those that are missing."""
    listed = [
        {"name": image.name, "reference": image.reference, "digest": image.digest, "bytes": image.size}
        for image in _built(profile)
    ]
    if not document(listed, chosen(output, as_json)):
        columns = (
            ("name", lambda i: i["name"]),
            ("reference", lambda i: i["reference"]),
            ("size", lambda i: f"{i['bytes'] // 2**20} MiB"),
        )
        rows(listed, columns, "")


@images_app.command()
def bundle(
    path: Annotated[Path, typer.Argument(help="File to write, such as images.tar.")],
    profile: options.ProfileName = "local",
) -> None:
    """Write every image into one OCI archive, for nodes or registries without this machine's network."""
    from infra.lifecycle import supplies

    if path.exists():
        raise typer.BadParameter(f"{path} is there already", param_hint="PATH")
    images = _built(profile)
    supplies.supply(load(profile)).bundle(images, path)
    out.print(f"Wrote {len(images)} images ({path.stat().st_size // 2**20} MiB) to {path}.")


@images_app.command("push")
def push_images(
    profile: options.ProfileName = "local", output: options.Output = Format.TABLE, as_json: options.Json = False
) -> None:
    """Push every image to the profile's registry. What is there is not sent again; safe to repeat."""
    from infra.lifecycle import supplies
    from infra.profile.model import UNSET_REGISTRY

    loaded = load(profile)
    if loaded.supply.registry == UNSET_REGISTRY:
        raise typer.BadParameter(f"{loaded.name!r} names no registry: set supply.registry", param_hint="--profile")
    images = _built(profile)
    sent = supplies.push_images(loaded, images, lambda detail: err.print(f"  {detail}", markup=False))
    result = {"registry": loaded.supply.registry, "images": len(images), "sent": sent}
    if not document(result, chosen(output, as_json)):
        out.print(f"{len(images)} images are in {loaded.supply.registry} ({sent // 2**20} MiB sent).", markup=False)


def _built(profile: str) -> Any:
    from infra.lifecycle import supplies
    from infra.lifecycle.facts import chosen_components

    loaded = load(profile)
    wanted = supplies.wanted_images(loaded, chosen_components(loaded))

    def say(detail: str) -> None:
        err.print(f"  {detail}", markup=False)

    supplies.get_tools(supplies.wanted_tools(loaded, wanted), say)
    return supplies.build_images(loaded, wanted, say)
