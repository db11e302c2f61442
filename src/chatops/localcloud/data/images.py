"""Images by content, and the registries that name them.

Under `directory`: `manifests/<sha256>` (the exact bytes that the digest is of), `files/<sha256>/` (an image's file
system, shared by all images with the same files) and `registries/<login server>.json` (repositories, tags, times).
A process image's manifest says all that is needed to run it and depends on the context alone, not on this machine.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PROCESS_IMAGE = "application/vnd.chatops.process-image.v1+json"

Manifest = dict[str, Any]


@dataclass
class Repository:
    """What a registry knows of one repository: digest -> when it came, tag -> digest, tag -> when it moved."""

    created: str
    manifests: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    tag_times: dict[str, list[str]] = field(default_factory=dict)  # [created, last updated]


@dataclass(frozen=True)
class Reference:
    """`<registry>/<repository>:<tag>` or `...@sha256:...`, taken apart."""

    registry: str
    repository: str
    version: str

    @classmethod
    def parse(cls, text: str) -> Reference:
        """A missing tag means `latest`."""
        registry, _, rest = text.partition("/")
        repository, at, digest = rest.partition("@")
        if at:
            return cls(registry.lower(), repository.partition(":")[0], digest)
        repository, _, tag = repository.partition(":")
        return cls(registry.lower(), repository, tag or "latest")


class ImageStore:
    """All registries' images. Methods are quick and synchronous, but `add`, which moves files into place.

    Builds of the same files end at the same time, each in a thread of its own: `add` lets one in after the other.
    """

    def __init__(self, directory: Path) -> None:
        self._adding = threading.Lock()
        self._manifests = directory / "manifests"
        self._files = directory / "files"
        self._registries = directory / "registries"
        self.incoming = directory / "incoming"  # on the same file system, so that a rename is enough
        for folder in (self._manifests, self._files, self._registries, self.incoming):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def add(self, manifest: Manifest, root: Path) -> str:
        """Keep the image whose file system is `root` (moved away) and return its digest."""
        target = self.files(manifest)
        content = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
        digest = hashlib.sha256(content).hexdigest()
        with self._adding:
            if target.exists():
                shutil.rmtree(root)
            else:
                root.rename(target)
            _write(self._manifests / digest, content)
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
        """Name the image in a repository; `reference.version` is the tag, which moves if it exists."""
        repositories = self.repositories(reference.registry)
        now = datetime.now(UTC).isoformat()
        repository = repositories.setdefault(reference.repository, Repository(now))
        repository.manifests.setdefault(digest, now)
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
        repositories = self.repositories(reference.registry)
        repository = repositories.get(reference.repository)
        if repository is None or repository.tags.pop(reference.version, None) is None:
            return False
        repository.tag_times.pop(reference.version)
        self._save(reference.registry, repositories)
        return True

    def delete_manifest(self, reference: Reference) -> bool:
        """Take the image and all its tags out of the repository; an empty repository goes with its last image."""
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
        repositories = self.repositories(registry)
        deleted = repositories.pop(name, None)
        self._save(registry, repositories)
        return deleted

    def delete_registry(self, registry: str) -> None:
        self._index(registry).unlink(missing_ok=True)

    def sweep(self, keep: set[str]) -> None:
        """Remove from disk what no registry names and no digest in `keep` is."""
        named = keep.union(*(repository.manifests for repository in self._all_repositories()))
        wanted = {self.files(manifest) for digest in named if (manifest := self.manifest(digest))}
        for path in self._manifests.iterdir():
            if f"sha256:{path.name}" not in named:
                path.unlink()
        for path in self._files.iterdir():
            if path not in wanted:
                shutil.rmtree(path)

    def _all_repositories(self) -> Iterator[Repository]:
        for path in self._registries.glob("*.json"):
            yield from self.repositories(path.stem).values()

    def _index(self, registry: str) -> Path:
        return self._registries / f"{registry.lower()}.json"

    def _save(self, registry: str, repositories: dict[str, Repository]) -> None:
        plain = {name: asdict(repository) for name, repository in repositories.items()}
        _write(self._index(registry), json.dumps(plain, indent=1).encode())


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(content)
    fresh.replace(path)


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
