"""The APIs that an installation needs. Pure."""

from __future__ import annotations

FIRST = ("cloudresourcemanager.googleapis.com", "serviceusage.googleapis.com")
"""Without these not even the others can be switched on: somebody switches them on once, by hand."""

APIS = (
    "artifactregistry.googleapis.com",
    "cloudasset.googleapis.com",
    "cloudkms.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "dns.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "servicedirectory.googleapis.com",
    "sqladmin.googleapis.com",
    "storage.googleapis.com",
    "sts.googleapis.com",
)
"""The others, which the program switches on."""
