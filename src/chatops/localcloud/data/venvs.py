"""Virtual environments by content: the same requirements on the same Python are installed once and shared.

A finished environment carries a marker file, written last; one without it was interrupted and is made anew. It is built
in its final place, because installed scripts carry their interpreter's absolute path. A file lock per key lets two
builds, or two local clouds with one cache, wait for each other.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import sys
import sysconfig
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath

from ..runtime.processes import Children, Command
from .dockerfile import BuildError
from .stage import PipInstall, locate

_NESTED = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[ =]\s*(\S+)", re.MULTILINE)
_PASSED_ON = re.compile(r"PATH|HOME|LANG|LC_.*|TMPDIR|XDG_.*|PIP_.*|.*_proxy|.*_PROXY|SSL_CERT_.*|.*_CA_BUNDLE|USER")
_BLOCK = 65536
_SAID = 4096  # bytes of pip's last words that an error may quote


class Venvs:
    """The environments under `directory`, each in a folder named after its key."""

    def __init__(self, directory: Path, children: Children) -> None:
        self._directory = directory
        self._children = children

    async def ensure(self, root: Path, installs: Sequence[PipInstall], write: Callable[[bytes], None]) -> Path:
        """The environment in which `installs` were carried out, built now if need be. Raises BuildError.

        `root` is the image's file system, where requirement files are looked up; pip's output goes to `write`.
        """
        key = venv_key(root, installs)
        place = self._directory / key
        if _complete(place):
            return place
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        async with _locked(self._directory / f"{key}.lock"):
            if not _complete(place):
                await self._build(place, root, installs, write)
        return place

    async def _build(
        self, place: Path, root: Path, installs: Sequence[PipInstall], write: Callable[[bytes], None]
    ) -> None:
        await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
        await self._run([sys.executable, "-m", "venv", "--without-pip", str(place)], root, write)
        python = str(place / "bin" / "python")
        for install in installs:
            write(f"pip install {shlex.join(install.arguments)}\n".encode())
            arguments = [_argument(root, install.workdir, word) for word in install.arguments]
            pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-input", "--progress-bar=off"]
            await self._run([*pip, *arguments], locate(root, install.workdir), write)
        (place / ".complete").touch()

    async def _run(self, argv: list[str], cwd: Path, write: Callable[[bytes], None]) -> None:
        env = {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)}
        env["PYTHONUNBUFFERED"] = "1"
        process = await self._children.spawn(Command(argv, cwd, env, signal.SIGKILL))
        assert process.stdout is not None  # noqa: S101
        end = b""
        try:
            while data := await process.stdout.read(_BLOCK):
                write(data)
                end = (end + data)[-_SAID:]
            code = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            self._children.forget(process.pid)
        if code != 0:
            said = end.strip().rpartition(b"\n")[2].decode(errors="replace").strip()
            raise BuildError(f"{shlex.join(argv[1:4])} ... failed with exit code {code}: {said}")


def venv_key(root: Path, installs: Sequence[PipInstall]) -> str:
    """A function of every requirement that `installs` name, this Python and this platform."""
    python = [sys.version, sys.base_prefix, sysconfig.get_platform()]
    steps = [[*install.arguments] for install in installs]
    contents = [content for install in installs for content in _contents(root, install)]
    return hashlib.sha256(json.dumps([python, steps, contents]).encode()).hexdigest()[:32]


def _contents(root: Path, install: PipInstall) -> Iterator[str]:
    for word in install.arguments:
        path = locate(root, str(PurePosixPath(install.workdir, word.removeprefix("-r").removeprefix("-c"))))
        if path.is_dir():
            yield from (digest for file in sorted(path.rglob("*.*")) if file.is_file() for digest in _hashes(file))
        elif path.is_file():
            yield from _hashes(path)


def _hashes(file: Path) -> Iterator[str]:
    content = file.read_bytes()
    yield hashlib.sha256(content).hexdigest()
    for name in _NESTED.findall(content.decode(errors="replace")):
        if (nested := file.parent / name).is_file():
            yield from _hashes(nested)


def _argument(root: Path, workdir: str, word: str) -> str:
    """An absolute path of the image's becomes the real one; everything else is pip's to understand."""
    place = locate(root, str(PurePosixPath(workdir, word)))
    return str(place) if word.startswith("/") and place.exists() else word


def _complete(place: Path) -> bool:
    return (place / ".complete").exists() and (place / "bin" / "python").exists()


@asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    """Hold the lock; the kernel frees it with its holder. Polled, so that a cancelled wait leaves nothing behind."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        while not _try_lock(descriptor):
            await asyncio.sleep(0.1)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
