"""Media types of images' documents and layers: OCI's, and those of Docker's second schema, which say the same."""

from __future__ import annotations

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"

_DOCKER = "application/vnd.docker"
DOCKER_MANIFEST_TYPE = f"{_DOCKER}.distribution.manifest.v2+json"
DOCKER_CONFIG_TYPE = f"{_DOCKER}.container.image.v1+json"
DOCKER_LIST_TYPE = f"{_DOCKER}.distribution.manifest.list.v2+json"

MANIFESTS = frozenset({MANIFEST_TYPE, DOCKER_MANIFEST_TYPE})
INDEXES = frozenset({INDEX_TYPE, DOCKER_LIST_TYPE})
CONFIGS = frozenset({CONFIG_TYPE, DOCKER_CONFIG_TYPE})
