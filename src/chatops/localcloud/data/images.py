"""Images by content, and the registries that name them.

Under `directory`: `manifests/<sha256>` (the exact bytes that the digest is of), `registries/<login server>.json`
(repositories, tags, times), the blobs of real images, and for process images `files/<sha256>/` (a file system, shared
by all images with the same files). A process image's manifest says all that is needed to run it and depends on the
context alone, not on this machine.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ..files import write_private
from . import manifests
from .blobs import Blobs
from .manifests import PROCESS_IMAGE, Manifest
from .reference import Reference

__all__ = ["PROCESS_IMAGE", "ImageStore", "Manifest", "Reference", "Repository", "tree_digest"]


@dataclass
class Repository:
    """What a registry knows of one repository: digest -> when it came, tag -> digest, tag -> when it moved."""

    created: str
    manifests: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    tag_times: dict[str, list[str]] = field(default_factory=dict)  # [created, last updated]


class ImageStore:
    """All registries' images. Methods are quick and synchronous, but `add` and `sweep`, which move many files.

    Those two run in threads, several at once: whatever changes the store holds its lock.
    """

    def __init__(self, directory: Path) -> None:
        self._lock = threading.RLock()
        self.blobs = Blobs(directory, self._lock)
        self._manifests = directory / "manifests"
        self._files = directory / "files"
        self._registries = directory / "registries"
        self.incoming = directory / "incoming"  # on the same file system, so that a rename is enough
        shutil.rmtree(self.incoming, ignore_errors=True)
        for folder in (self._manifests, self._files, self._registries, self.incoming):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def add(self, manifest: Manifest, root: Path, names: Iterable[Reference] = ()) -> str:
        """Keep the process image whose file system is `root` (moved away), tag it, and return its digest."""
        target = self.files(manifest)
        content = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
        with self._lock:
            if target.exists():
                shutil.rmtree(root)
            else:
                root.rename(target)
            digest = self._write_manifest(content)
            for name in names:
                self.tag(name, digest)
        return digest

    def put(self, reference: Reference, content: bytes) -> str:
        """Keep a manifest, named by a tag or by its digest, and return its digest. What it names must be here."""
        with self._lock:
            digest = self._write_manifest(content)
            self.tag(reference, digest)
            for blob in self._blobs_of(digest):
                self.blobs.named(reference.at(blob))
        return digest

    def _write_manifest(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        write_private(self._manifests / digest, content)
        return f"sha256:{digest}"

    def files(self, manifest: Manifest) -> Path:
        """The folder that holds the image's file system."""
        return self._files / str(manifest["files"]["digest"]).removeprefix("sha256:")

    def content(self, digest: str) -> bytes | None:
        """The manifest's bytes, None when it is unknown."""
        try:
            return (self._manifests / digest.removeprefix("sha256:")).read_bytes()
        except FileNotFoundError:
            return None

    def manifest(self, digest: str) -> Manifest | None:
        content = self.content(digest)
        return None if content is None else json.loads(content)

    def tag(self, reference: Reference, digest: str) -> None:
        """Name the image in a repository; `reference.version` is the digest, or the tag, which moves if it exists."""
        with self._lock:
            repositories = self.repositories(reference.registry)
            now = datetime.now(UTC).isoformat()
            repository = repositories.setdefault(reference.repository, Repository(now))
            repository.manifests.setdefault(digest, now)
            if reference.version != digest:
                created = repository.tag_times.get(reference.version, [now])[0]
                repository.tags[reference.version] = digest
                repository.tag_times[reference.version] = [created, now]
            self._save(reference.registry, repositories)

    def resolve(self, reference: Reference) -> str | None:
        """The digest behind a tag or digest, None when that repository has no such image."""
        repository = self.repositories(reference.registry).get(reference.repository)
        if repository is None:
            return None
        if reference.version.startswith("sha256:"):
            return reference.version if reference.version in repository.manifests else None
        return repository.tags.get(reference.version)

    def repositories(self, registry: str) -> dict[str, Repository]:
        """By name; empty for a registry that nothing was pushed to."""
        try:
            found = json.loads(self._index(registry).read_text())
        except FileNotFoundError:
            return {}
        return {name: Repository(**fields) for name, fields in found.items()}

    def delete_tag(self, reference: Reference) -> bool:
        """Take the name away; the image stays under its digest. False when there is no such tag."""
        with self._lock:
            repositories = self.repositories(reference.registry)
            repository = repositories.get(reference.repository)
            if repository is None or repository.tags.pop(reference.version, None) is None:
                return False
            repository.tag_times.pop(reference.version)
            self._save(reference.registry, repositories)
        return True

    def delete_manifest(self, reference: Reference) -> bool:
        """Take the image and all its tags out of the repository; an empty repository goes with its last image."""
        with self._lock:
            repositories = self.repositories(reference.registry)
            repository = repositories.get(reference.repository)
            if repository is None or repository.manifests.pop(reference.version, None) is None:
                return False
            for tag in [tag for tag, digest in repository.tags.items() if digest == reference.version]:
                del repository.tags[tag], repository.tag_times[tag]
            if not repository.manifests:
                del repositories[reference.repository]
            self._save(reference.registry, repositories)
        return True

    def delete_repository(self, registry: str, name: str) -> Repository | None:
        """The deleted repository, None when there was none."""
        with self._lock:
            repositories = self.repositories(registry)
            deleted = repositories.pop(name, None)
            self._save(registry, repositories)
        return deleted

    def delete_registry(self, registry: str) -> None:
        with self._lock:
            self._index(registry).unlink(missing_ok=True)
            self.blobs.delete_registry(registry.lower())

    def size(self, registry: str) -> int:
        """Bytes that the registry's images take up, each blob counted once."""
        known = {digest for repository in self.repositories(registry).values() for digest in repository.manifests}
        found = [manifest for digest in known if (manifest := self.manifest(digest))]
        sizes = {part["digest"]: int(part["size"]) for manifest in found for part in manifests.parts(manifest)}
        return sum(sizes.values())

    def names_blob(self, blob: Reference) -> bool:
        """Whether a manifest of that repository names the blob."""
        repository = self.repositories(blob.registry).get(blob.repository)
        return repository is not None and any(blob.version in self._blobs_of(found) for found in repository.manifests)

    def registries(self) -> list[str]:
        """The login servers of those that have images."""
        return sorted(path.stem for path in self._indexes())

    def sweep(self, keep: set[str]) -> None:
        """Remove from disk what no registry names and no digest in `keep` is."""
        with self._lock:
            places = [(server, *entry) for server in self.registries() for entry in self.repositories(server).items()]
            kept = keep.union(*(self._children(digest) for digest in keep))
            named = kept.union(*(repository.manifests for _, _, repository in places))
            linked = {
                Reference(registry, name, blob)
                for registry, name, repository in places
                for digest in repository.manifests
                for blob in self._blobs_of(digest)
            }
            self.blobs.sweep(linked, {blob for digest in kept for blob in self._blobs_of(digest)})
            self._sweep_manifests(named)

    def _sweep_manifests(self, named: set[str]) -> None:
        wanted = {
            self.files(manifest) for digest in named if (manifest := self.manifest(digest)) and "files" in manifest
        }
        for path in self._manifests.iterdir():
            if f"sha256:{path.name}" not in named:
                path.unlink()
        for path in self._files.iterdir():
            if path not in wanted:
                shutil.rmtree(path)

    def _children(self, digest: str) -> set[str]:
        manifest = self.manifest(digest)
        return {str(child["digest"]) for child in manifests.children(manifest)} if manifest else set()

    def _blobs_of(self, digest: str) -> set[str]:
        manifest = self.manifest(digest)
        return {str(blob["digest"]) for blob in manifests.blobs(manifest)} if manifest else set()

    def _indexes(self) -> Iterator[Path]:
        return self._registries.glob("*.json")

    def _index(self, registry: str) -> Path:
        return self._registries / f"{registry.lower()}.json"

    def _save(self, registry: str, repositories: dict[str, Repository]) -> None:
        plain = {name: asdict(repository) for name, repository in repositories.items()}
        write_private(self._index(registry), json.dumps(plain, indent=1))


def tree_digest(root: Path) -> tuple[str, int]:
    """A digest over names, execute bits, link targets and contents (not times or owners), and the bytes in all."""
    total, size = hashlib.sha256(), 0
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            entry = ["link", name, str(path.readlink())]
        elif path.is_dir():
            entry = ["folder", name]
        else:
            content = path.read_bytes()
            size += len(content)
            entry = ["program" if path.stat().st_mode & 0o100 else "file", name, hashlib.sha256(content).hexdigest()]
        total.update(json.dumps(entry).encode() + b"\n")
    return f"sha256:{total.hexdigest()}", size
