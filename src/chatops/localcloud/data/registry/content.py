"""Manifests, tags and the catalog, as OCI has them.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md. A manifest is kept only when all that it names is
already in its repository, so whoever can see an image can pull it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from .. import manifests
from ..images import Manifest
from ..manifests import ManifestError
from .call import VERSION, Call, RegistryError

LARGEST = 4 << 20
"""Bytes of a manifest, as distribution's own limit."""


async def catalog(call: Call) -> Response:
    """The repositories of a registry, or on loopback of all that the caller may list."""
    servers = [call.address.server] if call.address.server else call.images.registries()
    names = [call.address.spell(server, name) for server in servers for name in call.images.repositories(server)]
    shown, headers = call.page(name for name in names if call.may("metadata_read", name))
    return call.answer({"repositories": shown}, headers)


async def tags(call: Call) -> Response:
    shown, headers = call.page(call.repository().tags, most=None)
    return call.answer({"name": call.spelled, "tags": shown}, headers)


async def manifest(call: Call) -> Response:
    digest = call.digest()
    content = call.images.content(digest) or b""
    media_type = manifests.media_type(call.images.manifest(digest) or {})
    if media_type == manifests.PROCESS_IMAGE and not _accepts(call, media_type):
        text = f"{call.spelled!r} holds a process image, which no engine can run: chatops cloud start --runtime docker"
        raise RegistryError(404, "MANIFEST_UNKNOWN", f"{text} has real ones built")
    headers = {"Docker-Content-Digest": digest, "Content-Type": media_type, "ETag": f'"{digest}"'}
    return Response(content, headers=headers | VERSION)


def _accepts(call: Call, media_type: str) -> bool:
    accepted = ",".join(call.request.headers.getlist("accept")) or "*/*"
    return media_type in accepted or "*/*" in accepted


async def put_manifest(call: Call) -> Response:
    reference, content = call.reference, await _body(call)
    try:
        parsed = manifests.parse(content, call.request.headers.get("content-type", ""))
    except ManifestError as error:
        raise RegistryError(400, "MANIFEST_INVALID", str(error)) from None
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if reference.version.startswith("sha256:") and reference.version != digest:
        raise RegistryError(400, "DIGEST_INVALID", f"the manifest's digest is {digest}, not {reference.version}")
    _check(call, parsed)
    call.images.put(reference, content)
    headers = {"Location": call.at(f"manifests/{digest}"), "Docker-Content-Digest": digest}
    return Response(status_code=201, headers=headers | VERSION)


async def _body(call: Call) -> bytes:
    content = b""
    try:
        async for piece in call.request.stream():
            content += piece
            if len(content) > LARGEST:
                raise RegistryError(413, "MANIFEST_INVALID", f"a manifest has at most {LARGEST} bytes")
    except ClientDisconnect:
        raise RegistryError(400, "MANIFEST_INVALID", "the connection was closed in mid-upload") from None
    return content


def _check(call: Call, manifest: Manifest) -> None:
    """Whether all that it names is here, and as long as it says."""
    for blob in manifests.blobs(manifest):
        path = call.images.blobs.reserve(call.place.at(blob["digest"]))
        _compare(blob, None if path is None else path.stat().st_size)
    for child in manifests.children(manifest):
        known = call.images.resolve(call.place.at(child["digest"]))
        _compare(child, None if known is None else len(call.images.content(known) or b""))


def _compare(named: Mapping[str, Any], size: int | None) -> None:
    if size is None:
        raise RegistryError(400, "MANIFEST_BLOB_UNKNOWN", f"{named['digest']} is not in this repository: push it first")
    if size != named["size"]:
        text = f"{named['digest']} is {size} bytes long, not {named['size']}"
        raise RegistryError(400, "MANIFEST_INVALID", text)


async def delete_manifest(call: Call) -> Response:
    call.digest()
    if not call.images.delete_manifest(call.reference):
        raise RegistryError(405, "UNSUPPORTED", "a manifest is deleted by its digest")
    return call.deleted()
