"""`platform lineage`: where what is served comes from, and what serves it, as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from infra.cli import options
from infra.cli.access import client
from infra.cli.options import workspace_path
from infra.cli.output import Format, chosen, document, out
from infra.cli.workspaces import Name

_BACK = {
    "serves": "served by", "made by": "made", "read": "read by", "ran code": "ran by", "ran in": "image of",
    "splits calls with": "takes calls of", "started by": "started", "part of": "contains",
}  # fmt: skip
"""How a relation reads against its direction."""
_FACTS = 6


def register(app: typer.Typer) -> None:
    app.command()(lineage)


def lineage(
    workspace: Name,
    endpoint: Annotated[str | None, typer.Option(help="Begin with an endpoint.")] = None,
    model: Annotated[str | None, typer.Option(help="Begin with a registered model; with --version.")] = None,
    version: Annotated[int | None, typer.Option(help="The model's version.", min=1)] = None,
    run: Annotated[str | None, typer.Option(help="Begin with a run.")] = None,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Show where a served model comes from: its run, data, code and what started it; and what serves it."""
    if sum(given is not None for given in (endpoint, model, run)) != 1 or (model is None) != (version is None):
        raise typer.BadParameter("give --endpoint, or --model with --version, or --run")
    with client() as api:
        path = f"{workspace_path(workspace)}/lineage"
        found = api.get(path, endpoint=endpoint, model=model, version=version, run=run)
    if not document(found, chosen(output, as_json)):
        for line in tree(found):
            out.print(line, markup=False)


def tree(found: Mapping[str, Any]) -> Iterator[str]:
    """Lines of the graph from its root on, every node once."""
    nodes = {node["id"]: node for node in found["nodes"]}
    seen: set[str] = set()

    def walk(node: str, relation: str, indent: str) -> Iterator[str]:
        seen.add(node)
        shown = nodes[node]
        gone = "" if shown["present"] else " (gone)"
        yield f"{indent}{relation}{shown['kind']} {shown['name']}{gone}{_facts(shown)}"
        for edge in found["edges"]:
            if edge["source"] == node and edge["target"] not in seen:
                yield from walk(edge["target"], f"{edge['relation']} ", f"{indent}  ")
            elif edge["target"] == node and edge["source"] not in seen:
                yield from walk(edge["source"], f"{_BACK[edge['relation']]} ", f"{indent}  ")

    yield from walk(found["root"], "", "")


def _facts(node: Mapping[str, Any]) -> str:
    said = [f"{fact['name']} {fact['value']}" for fact in node["facts"] if fact["name"] != "id"]
    more = f", and {len(said) - _FACTS} more" if len(said) > _FACTS else ""
    return f": {', '.join(said[:_FACTS])}{more}" if said else ""
