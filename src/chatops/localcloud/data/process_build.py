"""Process images: what a Dockerfile says, carried out without an engine.

The files that it copies, its settings, and the requirements of a virtual environment that is built right away.
"""

from __future__ import annotations

import asyncio
import gzip
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .build import Job
from .dockerfile import BuildError, parse
from .images import ImageStore, tree_digest
from .manifests import PROCESS_IMAGE, Manifest
from .reference import Reference
from .runs import RunLog
from .stage import Base, PipInstall, Stage, locate
from .venvs import Venvs


class ProcessBuilder:
    """Builds process images and keeps them in `images`, tagged; there is nothing to push."""

    def __init__(self, images: ImageStore, venvs: Venvs) -> None:
        self._images = images
        self._venvs = venvs

    async def build(self, job: Job, log: RunLog) -> Mapping[Reference, str]:
        with tempfile.TemporaryDirectory(dir=self._images.incoming) as folder:
            context, root = Path(folder, "context"), Path(folder, "root")
            root.mkdir()
            await asyncio.to_thread(_unpack, job.context, context)
            stage = Stage(context, root, _from_thread(log), self._find, dict(job.arguments))
            await asyncio.to_thread(_carry_out, stage, job.dockerfile)
            if stage.installs:
                log.say("Making the virtual environment (kept for every image with the same requirements)")
            await self._venvs.ensure(root, stage.installs, log.write)
            manifest = await asyncio.to_thread(manifest_of, stage)
            digest = await asyncio.to_thread(self._images.add, manifest, root, job.names)
        log.say(f"Successfully built {digest}")
        return dict.fromkeys(job.names, digest)

    def _find(self, image: str) -> Base | None:
        reference = Reference.parse(image)
        if not reference.on_azure:
            return None
        digest = self._images.resolve(reference)
        manifest = self._images.manifest(digest) if digest else None
        if manifest is None:
            raise BuildError(f"FROM: there is no image {image!r} in this local cloud's registries")
        if manifest["mediaType"] != PROCESS_IMAGE:
            raise BuildError(f"FROM: {image!r} was pushed by an engine; a process image can only stand on another one")
        return Base(manifest["config"], self._images.files(manifest), installs_of(manifest))

    async def forget(self, names: Sequence[Reference]) -> None:
        """Virtual environments stay in the cache: they are shared by content."""


def _from_thread(log: RunLog) -> Callable[[str], None]:
    """Writing a line into the log, which belongs to the event loop, from another thread."""
    loop = asyncio.get_running_loop()

    def say(text: str) -> None:
        loop.call_soon_threadsafe(log.say, text)

    return say


def _unpack(upload: Path, target: Path) -> None:
    try:
        with tarfile.open(upload) as archive:
            archive.extractall(target, filter="data")
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BuildError(f"the uploaded context cannot be unpacked: {error}") from error


def _carry_out(stage: Stage, dockerfile: str) -> None:
    path = locate(stage.context, "/" + dockerfile)
    if not path.is_file():
        raise BuildError(f"there is no {dockerfile} in the context")
    instructions = parse(path.read_text())
    for step, instruction in enumerate(instructions, 1):
        stage.say(f"Step {step}/{len(instructions)} : {instruction.name} {instruction.value}".rstrip())
        stage.carry_out(instruction)


def manifest_of(stage: Stage) -> Manifest:
    """The image of a finished stage: a function of the context and the build arguments alone."""
    digest, size = tree_digest(stage.root)
    return {
        "schemaVersion": 2,
        "mediaType": PROCESS_IMAGE,
        "config": {
            "Env": stage.env,
            "Entrypoint": stage.entrypoint,
            "Cmd": stage.cmd,
            "WorkingDir": stage.workdir,
            "User": stage.user,
            "ExposedPorts": stage.ports,
            "Labels": stage.labels,
        },
        "files": {"digest": digest, "size": size},
        "installs": [{"workdir": install.workdir, "arguments": install.arguments} for install in stage.installs],
    }


def installs_of(manifest: Manifest) -> list[PipInstall]:
    """What its virtual environment is made from."""
    return [PipInstall(entry["workdir"], tuple(entry["arguments"])) for entry in manifest["installs"]]
