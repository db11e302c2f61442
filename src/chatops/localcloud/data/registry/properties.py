"""ACR's own API of what is in a registry: repositories, tags and manifests with their times and sizes.

https://learn.microsoft.com/rest/api/containerregistry
"""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from .. import manifests
from ..images import Repository
from .call import Call, RegistryError

_UNLOCKED = {"deleteEnabled": True, "writeEnabled": True, "readEnabled": True, "listEnabled": True}
_HERE = {"architecture": "amd64", "os": "linux"}


async def repository(call: Call) -> Response:
    found = call.repository()
    updated = max([found.created, *found.manifests.values(), *(times[1] for times in found.tag_times.values())])
    body = {"createdTime": found.created, "lastUpdateTime": updated, "changeableAttributes": _UNLOCKED}
    counts = {"manifestCount": len(found.manifests), "tagCount": len(found.tags)}
    return call.answer(_head(call) | body | counts, {})


async def delete_repository(call: Call) -> Response:
    gone = call.repository()
    call.images.delete_repository(call.server, call.name)
    return call.deleted({"manifestsDeleted": list(gone.manifests), "tagsDeleted": list(gone.tags)})


async def tags(call: Call) -> Response:
    found, wanted = call.repository(), call.query.get("digest")
    shown, headers = call.page(tag for tag, digest in found.tags.items() if wanted in (None, digest))
    return call.answer(_head(call) | {"tags": [_tag(found, tag) for tag in shown]}, headers)


async def tag(call: Call) -> Response:
    found = call.repository()
    return call.answer(_head(call) | {"tag": _tag(found, _known_tag(call, found))}, {})


async def delete_tag(call: Call) -> Response:
    _known_tag(call, call.repository())
    call.images.delete_tag(call.reference)
    return call.deleted()


async def manifests_of(call: Call) -> Response:
    found = call.repository()
    shown, headers = call.page(found.manifests)
    return call.answer(_head(call) | {"manifests": [_attributes(call, found, digest) for digest in shown]}, headers)


async def manifest(call: Call) -> Response:
    return call.answer(_head(call) | {"manifest": _attributes(call, call.repository(), call.digest())}, {})


def _head(call: Call) -> dict[str, Any]:
    return {"registry": call.server, "imageName": call.name}


def _known_tag(call: Call, repository: Repository) -> str:
    tag = call.reference.version
    if tag not in repository.tags:
        raise RegistryError(404, "TAG_UNKNOWN", f"the specified tag {tag!r} does not exist")
    return tag


def _tag(repository: Repository, tag: str) -> dict[str, Any]:
    created, updated = repository.tag_times[tag]
    times = {"createdTime": created, "lastUpdateTime": updated}
    return {"name": tag, "digest": repository.tags[tag], **times, "signed": False, "changeableAttributes": _UNLOCKED}


def _attributes(call: Call, repository: Repository, digest: str) -> dict[str, Any]:
    manifest = call.images.manifest(digest) or {}
    came = repository.manifests[digest]
    return {
        "digest": digest,
        "imageSize": manifests.size(manifest),
        "createdTime": came,
        "lastUpdateTime": came,
        **_platform(call, manifest),
        "mediaType": manifests.media_type(manifest),
        "tags": [tag for tag, pointed in repository.tags.items() if pointed == digest],
        "changeableAttributes": _UNLOCKED,
    }


def _platform(call: Call, manifest: manifests.Manifest) -> dict[str, Any]:
    """What an image was made for; an index is for several."""
    media_type = manifests.media_type(manifest)
    if media_type not in manifests.IMAGES:
        return {} if media_type in manifests.INDEXES else _HERE
    config = manifest["config"]
    try:
        found = json.loads(call.images.blobs.read(config["digest"]) or b"{}")
    except ValueError:  # an artifact of another kind than an image
        found = {}
    platform = {name: found[name] for name in ("architecture", "os") if name in found}
    return platform | {"configMediaType": config.get("mediaType")}
