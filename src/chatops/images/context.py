"""Build context: the files that `.dockerignore` lets through, their hash (the tag) and the archive that is sent."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from gzip import GzipFile
from pathlib import Path
from typing import IO

from chatops.errors import UsageError

# never part of an image, whatever .dockerignore says: they change by themselves
ALWAYS_IGNORED = ("**/__pycache__", "**/*.pyc", "**/.pytest_cache", "**/.mypy_cache", "**/.ruff_cache")


@dataclass(frozen=True)
class Context:
    """A folder to build from, the build arguments that go with it, and what kind of image it is meant for."""

    folder: Path
    arguments: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """The files of the context, sorted, relative to the folder. Raises UsageError when there is no Dockerfile."""
        if not (self.folder / "Dockerfile").is_file():
            raise UsageError(f"there is no Dockerfile in {self.folder}")
        return tuple(sorted(self._let_through()))

    def _let_through(self) -> Iterator[Path]:
        from pathspec import GitIgnoreSpec

        ignore = self.folder / ".dockerignore"
        lines = ignore.read_text().splitlines() if ignore.is_file() else []
        rules = GitIgnoreSpec.from_lines([_rooted(line) for line in (*lines, *ALWAYS_IGNORED)])
        for name in rules.match_tree_files(self.folder, negate=True):
            path = Path(name)
            if path.name != ".dockerignore":
                yield path
        if rules.match_file("Dockerfile"):
            yield Path("Dockerfile")

    @cached_property
    def content(self) -> str:
        """Sixteen hexadecimal digits: the same files, modes and arguments always give the same ones."""
        total = hashlib.sha256(repr((self.kind, sorted(self.arguments.items()))).encode())
        for path in self.files:
            content = hashlib.sha256((self.folder / path).read_bytes()).hexdigest()
            total.update(f"{path.as_posix()} {self._mode(path):o} {content}\n".encode())
        return total.hexdigest()[:16]

    def write(self, archive: IO[bytes] | GzipFile) -> None:
        """Write the context as a tar; the same context always gives the same bytes."""
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for path in self.files:
                entry = tarfile.TarInfo(path.as_posix())
                with (self.folder / path).open("rb") as content:
                    entry.size, entry.mode = os.fstat(content.fileno()).st_size, self._mode(path)
                    tar.addfile(entry, content)

    def _mode(self, path: Path) -> int:
        return 0o755 if (self.folder / path).stat().st_mode & 0o100 else 0o644


def _rooted(line: str) -> str:
    """Docker's patterns start at the context's root, git's at any depth: anchor them."""
    pattern = line.strip()
    if not pattern or pattern.startswith("#"):
        return pattern
    negated = pattern.startswith("!")
    return f"{'!' if negated else ''}/{pattern.lstrip('!').lstrip('/')}"
