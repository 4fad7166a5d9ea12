"""The first step of `up`: the machine as it is, and the cloud, against what the profile needs."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator

from infra.clouds.model import CloudError
from infra.clouds.opening import open_cloud
from infra.installation.home import Home, cache_root, homes_root
from infra.installation.record import read_record
from infra.lifecycle import supplies
from infra.lifecycle.errors import PreflightFailed
from infra.lifecycle.facts import chosen_components
from infra.lifecycle.onprem import host_findings
from infra.lifecycle.runner import Say
from infra.preflight.check import check
from infra.preflight.model import Finding, Inputs, blocking
from infra.profile.model import Profile
from infra.supply.errors import SupplyError
from infra.supply.given import GivenImage, absent, distinct
from infra.supply.model import ImageSet
from infra.toolchain.service import Toolchain


def findings(profile: Profile, home: Home) -> list[Finding]:
    """What preflight says of this machine for this profile."""
    images = supplies.wanted_images(profile, chosen_components(profile))
    tools = Toolchain(cache_root()).inspect(supplies.wanted_tools(profile, images))
    local = profile.local
    given, unread = archive_findings(profile)
    found = check(
        Inputs(
            installation=profile.name,
            local=local is not None,
            nodes=local.nodes if local else 0,
            ports={"gateway": local.ports.gateway, "api": local.ports.api} if local else {},
            cache_root=cache_root(),
            home_root=homes_root(),
            building=any(tool.action == "build" for tool in tools),
            installed=read_record(home).installed,
            archives=unread,
            search=os.environ.get("PATH", os.defpath),
        )
    )
    return [*found, *given]


def archive_findings(profile: Profile) -> tuple[list[Finding], int]:
    """One for each image archive, and for images of one name, and for those that are named and in no archive; and how
    many bytes are not in the cache yet. Layers are not read."""
    paths = supplies.archives(profile)
    supply = supplies.supply(profile)
    found: list[Finding] = []
    given: list[GivenImage] = []
    for path in paths:
        try:
            inside = supply.look([path])
        except SupplyError as error:
            found.append(Finding("archive", False, str(error)))
            continue
        given += inside
        size = sum(blob.size for blob in ImageSet({each.image.name: each.image for each in inside}).blobs)
        count = "1 image" if len(inside) == 1 else f"{len(inside)} images"
        found.append(Finding("archive", True, f"{path}: {count}, {size >> 20} MiB"))
    try:
        distinct(given)
    except SupplyError as error:
        found.append(Finding("archives", False, str(error)))
    found += _named_only(profile, {each.image.reference for each in given})
    return found, sum(blob.size for blob in absent(supply.store, given))


def _named_only(profile: Profile, given: Collection[str]) -> Iterator[Finding]:
    """Images that settings name and that hosts get from nobody: they pull them, if they can."""
    if profile.supply.delivery != "import":
        return
    for component, settings in chosen_components(profile):
        for reference in component.named_images(settings):
            if reference not in given:
                yield Finding(
                    "archives",
                    False,
                    f"Component {component.name} names the image {reference}, which no archive of the profile holds.",
                    "Add an archive with it to supply.archives, unless the hosts can pull it.",
                    "warning",
                )


def cloud_findings(profile: Profile) -> list[Finding]:
    """What the profile's cloud says; nothing for other targets. That it can't be asked is a finding too."""
    if profile.cloud is None:
        return []
    try:
        return list(open_cloud(profile).check())
    except CloudError as error:
        return [Finding(profile.target, False, str(error))]


def check_machine(profile: Profile, home: Home, say: Say) -> None:
    """Raises PreflightFailed with every finding that lets no `up` begin; tells the others."""
    found = findings(profile, home)
    if profile.cloud is not None:
        say(f"asking {profile.target} about rights, quotas and names")
        found += cloud_findings(profile)
    if profile.onprem is not None:
        say(f"asking {len(profile.onprem.hosts)} hosts whether they can be nodes")
        found += host_findings(profile)
    stopping = blocking(found)
    if stopping:
        raise PreflightFailed(tuple(f"{finding.message} {finding.remedy}".strip() for finding in stopping))
    for finding in found:
        if not finding.ok:
            say(f"{finding.message} {finding.remedy}".strip())
