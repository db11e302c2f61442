"""Blobs by digest, who has them, and uploads under way.

Under `directory`: `blobs/<sha256>`, kept once for all registries; `links/<login server>/<repository>/<sha256>`, an
empty file that says that this repository has the blob, and by its time whether somebody may be about to name it in a
manifest; and `uploads/`, where bytes lie until they turn out to be what their digest says. An upload lives as long as
its daemon.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import quote, unquote

from .reference import Reference

UNNAMED_SECONDS = 86400
"""How long a blob that no manifest names is kept: an interrupted push goes on with what it has sent."""

IDLE_SECONDS = 3600
"""How long an upload is kept that nothing is sent to."""

_PREFIX = "sha256:"


@dataclass
class Upload:
    """Bytes on their way to one repository; `size` of them are there. Whoever writes holds `turn`."""

    id: str
    registry: str
    repository: str
    file: IO[bytes]
    size: int = 0
    touched: float = field(default_factory=time.monotonic)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256)

    def write(self, data: bytes) -> None:
        self.file.write(data)
        self._hash.update(data)
        self.size += len(data)
        self.touched = time.monotonic()

    @property
    def digest(self) -> str:
        return _PREFIX + self._hash.hexdigest()

    def sync(self) -> None:
        """Put the bytes on the disk itself: a name that is a digest must never lie, not even after a power cut."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()


class Blobs:
    """The blobs of all registries. References name a blob by digest; `lock` is the image store's."""

    def __init__(self, directory: Path, lock: threading.RLock) -> None:
        self._lock = lock
        self._blobs, self._links, self._parts = (directory / name for name in ("blobs", "links", "uploads"))
        shutil.rmtree(self._parts, ignore_errors=True)
        for folder in (self._blobs, self._links, self._parts):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._uploads: dict[str, Upload] = {}

    def find(self, blob: Reference) -> Path | None:
        """The blob's file, None when that repository does not have it."""
        path = self._blobs / blob.version.removeprefix(_PREFIX)
        return path if self._link(blob).exists() and path.exists() else None

    def reserve(self, blob: Reference) -> Path | None:
        """As `find`, for one who may name it in a manifest: it stays until then."""
        with self._lock:
            path = self.find(blob)
            if path:
                self._link(blob).touch()
        return path

    def named(self, blob: Reference) -> None:
        """A manifest names it now: nobody waits for that any more, and it goes with the last one that does."""
        with self._lock:
            os.utime(self._link(blob), (0, 0))

    def read(self, digest: str) -> bytes | None:
        """The content of a small blob, whichever repository has it."""
        try:
            return (self._blobs / digest.removeprefix(_PREFIX)).read_bytes()
        except FileNotFoundError:
            return None

    def link(self, blob: Reference) -> None:
        """Say that the repository has a blob that is here."""
        link = self._link(blob)
        with self._lock:
            link.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            link.touch()

    def mount(self, source: Reference, blob: Reference) -> bool:
        """Let a repository have what another one has; False when that one does not."""
        with self._lock:
            found = self.find(source) is not None
            if found:
                self.link(blob)
        return found

    def unlink(self, blob: Reference) -> None:
        with self._lock:
            self._link(blob).unlink(missing_ok=True)

    def begin(self, registry: str, repository: str) -> Upload:
        self.drop_idle()
        id = str(uuid.uuid4())
        upload = self._uploads[id] = Upload(id, registry, repository, (self._parts / id).open("wb"))
        return upload

    def upload(self, id: str, registry: str, repository: str) -> Upload | None:
        """The unfinished upload of that id to that repository."""
        found = self._uploads.get(id)
        return found if found and (found.registry, found.repository) == (registry, repository) else None

    def keep(self, upload: Upload) -> bool:
        """Make the synced upload a blob of its repository; False when its registry was deleted meanwhile."""
        with self._lock:
            if self._uploads.pop(upload.id, None) is None:
                return False
            (self._parts / upload.id).replace(self._blobs / upload.digest.removeprefix(_PREFIX))
            self.link(Reference(upload.registry, upload.repository, upload.digest))
        return True

    def drop(self, upload: Upload) -> None:
        """Forget an upload and what was sent of it."""
        self._uploads.pop(upload.id, None)
        upload.file.close()
        (self._parts / upload.id).unlink(missing_ok=True)

    def drop_idle(self) -> None:
        """Forget the uploads that nothing was sent to for too long."""
        for upload in list(self._uploads.values()):
            if time.monotonic() - upload.touched > IDLE_SECONDS and not upload.turn.locked():
                self.drop(upload)

    def delete_registry(self, registry: str) -> None:
        """Take all its blobs from a registry; they stay on disk until the next sweep."""
        for upload in [upload for upload in self._uploads.values() if upload.registry == registry]:
            self.drop(upload)
        with self._lock:
            shutil.rmtree(self._links / registry, ignore_errors=True)

    def sweep(self, named: Collection[Reference], kept: Collection[str]) -> None:
        """Remove what no repository has any more and is not in `kept`.

        A repository has what its manifests name (`named`), and for a while what was sent to it and is not named yet.
        """
        oldest = time.time() - UNNAMED_SECONDS
        with self._lock:
            linked = set(kept)
            for blob, link in self._all_links():
                if blob in named or link.stat().st_mtime >= oldest:
                    linked.add(blob.version)
                else:
                    link.unlink()
            _remove(self._blobs, lambda name: _PREFIX + name not in linked)

    def _all_links(self) -> Iterator[tuple[Reference, Path]]:
        for link in list(self._links.glob("*/*/*")):
            yield Reference(link.parts[-3], unquote(link.parts[-2]), _PREFIX + link.name), link

    def _link(self, blob: Reference) -> Path:
        return self._links / blob.registry / quote(blob.repository, safe="") / blob.version.removeprefix(_PREFIX)


def _remove(folder: Path, unwanted: Callable[[str], bool]) -> None:
    for path in folder.iterdir():
        if unwanted(path.name):
            path.unlink()
