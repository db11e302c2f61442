"""Blobs: read whole or in part, mounted from another repository, and uploaded at once or in pieces.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-blobs. Bytes go to disk as they come;
nobody sees them before their digest is the one that was said.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, Response

from ..blobs import Upload
from ..reference import Reference
from .call import VERSION, Call, RegistryError, checked_digest

_BLOCK = 1 << 20
_RANGE = re.compile(r"(?:bytes[ =])?(\d+)-(\d+)(?:/.*)?")


class _Blob(FileResponse):
    chunk_size = _BLOCK


async def read(call: Call) -> Response:
    digest = checked_digest(str(call.request.path_params["reference"]))
    path = _find(call, call.place.at(digest))
    headers = {"Docker-Content-Digest": digest, "ETag": f'"{digest}"'}
    return _Blob(path, headers=headers | VERSION, media_type="application/octet-stream")


def _find(call: Call, blob: Reference) -> Path:
    # HEAD is how a push asks what it need not send
    path = call.images.blobs.reserve(blob) if call.request.method == "HEAD" else call.images.blobs.find(blob)
    if path is None:
        raise RegistryError(404, "BLOB_UNKNOWN", f"blob {blob.version} is unknown to repository {call.spelled!r}")
    return path


async def delete(call: Call) -> Response:
    blob = call.place.at(checked_digest(str(call.request.path_params["reference"])))
    _find(call, blob)
    if call.images.names_blob(blob):
        raise RegistryError(405, "UNSUPPORTED", f"blob {blob.version} belongs to a manifest of {call.spelled!r}")
    call.images.blobs.unlink(blob)
    return call.deleted()


async def begin(call: Call) -> Response:
    """Start an upload; with `mount` or with `digest` and the blob itself, end it in the same call where possible."""
    place, query = call.place, call.query
    if "mount" in query and (mounted := _mount(call, checked_digest(query["mount"]))):
        return mounted
    digest = checked_digest(query["digest"]) if "digest" in query else None
    upload = call.images.blobs.begin(place.registry, place.repository)
    if digest is None:
        return _accepted(call, upload)
    try:
        return await _whole(call, upload, digest)
    except RegistryError:
        call.images.blobs.drop(upload)  # nobody was told how to go on with it
        raise


def _mount(call: Call, digest: str) -> Response | None:
    """Take a blob over from a repository that the caller may read; None when that cannot be done."""
    source = call.query.get("from", "")
    if not source or not call.may("pull", source):
        return None
    mounted = call.images.blobs.mount(Reference(*call.address.split(source), digest), call.place.at(digest))
    return _created(call, digest) if mounted else None


async def status(call: Call) -> Response:
    upload = _upload(call)
    async with upload.turn:
        return Response(status_code=204, headers=_where(_current(call, upload), upload))


async def cancel(call: Call) -> Response:
    upload = _upload(call)
    async with upload.turn:
        call.images.blobs.drop(upload)
    return Response(status_code=204, headers=VERSION)


async def append(call: Call) -> Response:
    upload = _upload(call)
    async with upload.turn:
        await _receive(_current(call, upload), upload)
    return _accepted(call, upload)


async def finish(call: Call) -> Response:
    """The last piece, which may be the only one or empty, and the digest of the whole."""
    upload = _upload(call)
    digest = checked_digest(call.query.get("digest", ""))
    return await _whole(call, upload, digest)


async def _whole(call: Call, upload: Upload, digest: str) -> Response:
    async with upload.turn:
        await _receive(_current(call, upload), upload)
        if upload.digest != digest:
            call.images.blobs.drop(upload)
            raise RegistryError(400, "DIGEST_INVALID", f"the content's digest is {upload.digest}, not {digest}")
        await asyncio.to_thread(upload.sync)
        if not call.images.blobs.keep(upload):
            raise _unknown()
    return _created(call, digest)


async def _receive(call: Call, upload: Upload) -> None:
    """Write what the request brings. Raises RegistryError when it does not follow what is there, or breaks off."""
    _check_range(call, upload)
    waiting: list[bytes] = []
    try:
        async for piece in call.request.stream():
            waiting.append(piece)
            if sum(map(len, waiting)) >= _BLOCK:
                block, waiting = b"".join(waiting), []
                await asyncio.to_thread(upload.write, block)
        upload.write(b"".join(waiting))
    except ClientDisconnect:
        upload.write(b"".join(waiting))
        raise RegistryError(400, "BLOB_UPLOAD_INVALID", "the connection was closed in mid-upload") from None
    except ValueError:  # the file is closed: the registry was deleted meanwhile
        raise _unknown() from None
    except OSError as error:
        call.images.blobs.drop(upload)
        raise RegistryError(507, "UNKNOWN", f"the blob cannot be kept: {error.strerror}") from None


def _check_range(call: Call, upload: Upload) -> None:
    sent = call.request.headers.get("content-range")
    if sent is None:
        return
    match = _RANGE.fullmatch(sent)
    if match is None or int(match[1]) != upload.size:
        text = f"Content-Range {sent!r} does not go on at byte {upload.size}"
        raise RegistryError(416, "RANGE_INVALID", text, _where(call, upload))
    length = call.request.headers.get("content-length", "")
    if length.isdecimal() and int(length) != int(match[2]) + 1 - int(match[1]):
        raise RegistryError(400, "SIZE_INVALID", f"Content-Range {sent!r} is not {length} bytes long")


def _upload(call: Call) -> Upload:
    place = call.place
    found = call.images.blobs.upload(str(call.request.path_params["upload"]), place.registry, place.repository)
    if found is None:
        raise _unknown()
    return found


def _unknown() -> RegistryError:
    return RegistryError(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")


def _current(call: Call, upload: Upload) -> Call:
    """The call, unless the upload has ended while it waited for its turn."""
    if upload.file.closed:
        raise _unknown()
    return call


def _where(call: Call, upload: Upload) -> dict[str, str]:
    location = call.at(f"blobs/uploads/{upload.id}")
    return {"Location": location, "Docker-Upload-UUID": upload.id, "Range": f"0-{max(upload.size - 1, 0)}", **VERSION}


def _accepted(call: Call, upload: Upload) -> Response:
    return Response(status_code=202, headers=_where(call, upload))


def _created(call: Call, digest: str) -> Response:
    headers = {"Location": call.at(f"blobs/{digest}"), "Docker-Content-Digest": digest}
    return Response(status_code=201, headers=headers | VERSION)
