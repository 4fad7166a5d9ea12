"""What still bears an installation's tag, by Azure Resource Graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions

from infra.clouds.azure.session import AzureError, Session, words
from infra.clouds.model import CloudError, Orphan
from infra.clusters.azure.names import TAG_INSTALLATION

_PAGE = 1000
_GROUP = "microsoft.resources/subscriptions/resourcegroups"


def query(installation: str) -> str:
    """Resources and resource groups; an installation's name has no character that the language knows."""
    tagged = f"tags['{TAG_INSTALLATION}'] == '{installation}'"
    groups = f"resourcecontainers | where type == '{_GROUP}' and {tagged}"
    return f"resources | where {tagged} | union ({groups}) | project id, type | order by id asc"


def orphans(session: Session, installation: str) -> list[Orphan]:
    """In the order of their ids, groups with what is in them. Raises CloudError."""
    client = session.graph()
    found: list[Orphan] = []
    token: str | None = None
    try:
        while True:
            options = QueryRequestOptions(top=_PAGE, skip_token=token, result_format="objectArray")
            request = QueryRequest(subscriptions=[session.subscription], query=query(installation), options=options)
            page = client.resources(request)
            found += [orphan(str(each["type"]), str(each["id"])) for each in _rows(page.data)]
            token = page.skip_token
            if not token:
                return found
    except AzureError as error:
        raise CloudError(
            f"Azure did not say what is left of {installation}: {words(error)} Look yourself with: "
            f"az resource list --tag {TAG_INSTALLATION}={installation} -o table"
        ) from error


def orphan(kind: str, identity: str) -> Orphan:
    """With the command that removes it. Pure."""
    if kind.lower() == _GROUP:
        subscription = identity.split("/")[2]
        name = identity.rpartition("/")[2]
        return Orphan(kind, identity, f"az group delete --subscription {subscription} --name {name}")
    return Orphan(kind, identity, f"az resource delete --ids {identity}")


def _rows(data: Any) -> Sequence[Any]:
    if not isinstance(data, list):
        raise CloudError("Azure Resource Graph answered with something else than rows; try again later")
    return data
