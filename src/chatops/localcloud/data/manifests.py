"""Image manifests: which blobs and manifests they name, and what they say of the image.

Docker's schema 2 and OCI's, one image or an index of several (https://github.com/opencontainers/image-spec and
https://distribution.github.io/distribution/spec/manifest-v2-2/). A *process image* has a manifest of our own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

Manifest = dict[str, Any]

PROCESS_IMAGE = "application/vnd.chatops.process-image.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
IMAGES = (DOCKER_MANIFEST, OCI_MANIFEST)
INDEXES = (DOCKER_LIST, OCI_INDEX)

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class ManifestError(Exception):
    """What was sent is no manifest that this registry keeps."""


def parse(content: bytes, content_type: str) -> Manifest:
    """Read a manifest that was pushed under a Content-Type. Raises ManifestError."""
    try:
        manifest = json.loads(content)
    except ValueError as error:
        raise ManifestError(f"the manifest is not JSON: {error}") from None
    if not isinstance(manifest, dict) or manifest.get("schemaVersion") != 2:
        raise ManifestError("a manifest of schema version 2 is needed")
    declared = content_type.partition(";")[0].strip()
    if declared not in (*IMAGES, *INDEXES):
        raise ManifestError(f"manifests of type {declared!r} are not supported")
    if media_type(manifest) != declared:
        raise ManifestError(f"Content-Type is {declared!r}, the manifest is {media_type(manifest)!r}")
    for entry in [*blobs(manifest), *children(manifest)] if _whole(manifest) else [{}]:
        _check(entry)
    return manifest


def _whole(manifest: Manifest) -> bool:
    if media_type(manifest) in INDEXES:
        return isinstance(manifest.get("manifests"), list)
    return isinstance(manifest.get("layers"), list) and isinstance(manifest.get("config"), dict)


def _check(entry: Any) -> None:
    whole = isinstance(entry, dict) and isinstance(entry.get("digest"), str) and isinstance(entry.get("size"), int)
    if not whole or not DIGEST.fullmatch(entry["digest"]):
        raise ManifestError("every part of a manifest needs a sha256 digest and a size")


def media_type(manifest: Manifest) -> str:
    """OCI's manifests may leave it out."""
    return str(manifest.get("mediaType") or (OCI_INDEX if "manifests" in manifest else OCI_MANIFEST))


def blobs(manifest: Manifest) -> list[Mapping[str, Any]]:
    """The descriptors (digest, size) of configuration and layers; layers that lie elsewhere (`urls`) are left out."""
    if media_type(manifest) not in IMAGES:
        return []
    return [manifest["config"], *(layer for layer in manifest["layers"] if not layer.get("urls"))]


def children(manifest: Manifest) -> list[Mapping[str, Any]]:
    """The descriptors of an index's manifests."""
    return manifest["manifests"] if media_type(manifest) in INDEXES else []


def parts(manifest: Manifest) -> list[Mapping[str, Any]]:
    """What takes up room, by digest and size: blobs, or a process image's files. An index's images have their own."""
    return [manifest["files"]] if media_type(manifest) == PROCESS_IMAGE else blobs(manifest)


def size(manifest: Manifest) -> int:
    """Bytes that the image takes up in a registry."""
    return sum({part["digest"]: int(part["size"]) for part in parts(manifest)}.values())
