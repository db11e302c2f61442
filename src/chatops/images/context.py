"""Build context: the files that `.dockerignore` lets through, their hash (the tag) and the archive that is sent."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from chatops.errors import UsageError

# never part of an image, whatever .dockerignore says: they change by themselves
ALWAYS_IGNORED = ("**/__pycache__", "**/*.pyc", "**/.pytest_cache")


@dataclass(frozen=True)
class Context:
    """A folder to build from, and the build arguments that go with it."""

    folder: Path
    arguments: Mapping[str, str] = field(default_factory=dict)

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
    def tag(self) -> str:
        """Sixteen hexadecimal digits: the same files, modes and arguments always give the same ones."""
        total = hashlib.sha256(repr(sorted(self.arguments.items())).encode())
        for path in self.files:
            content = hashlib.sha256((self.folder / path).read_bytes()).hexdigest()
            total.update(f"{path.as_posix()} {self._mode(path):o} {content}\n".encode())
        return total.hexdigest()[:16]

    def archive(self) -> bytes:
        """Return the context as a gzipped tar; the same context always gives the same bytes."""
        packed = io.BytesIO()
        with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
            for path in self.files:
                content = (self.folder / path).read_bytes()
                entry = tarfile.TarInfo(path.as_posix())
                entry.size, entry.mode = len(content), self._mode(path)
                tar.addfile(entry, io.BytesIO(content))
        return packed.getvalue()

    def _mode(self, path: Path) -> int:
        return 0o755 if (self.folder / path).stat().st_mode & 0o100 else 0o644


def _rooted(line: str) -> str:
    """Docker's patterns start at the context's root, git's at any depth: anchor them."""
    pattern = line.strip()
    if not pattern or pattern.startswith("#"):
        return pattern
    negated = pattern.startswith("!")
    return f"{'!' if negated else ''}/{pattern.lstrip('!').lstrip('/')}"
