"""A Dockerfile carried out for a process image: files copied, settings collected, pip installs noted for later.

What a process cannot have is said in the build's log, line by line, and never silently dropped: another base system,
another user, commands other than `pip install`.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from .dockerfile import BuildError, Instruction, command, exec_form, expand, pairs, words

_PIP = re.compile(r"(\S*/)?(pip3?|python3? -m pip) install ")
_MEANINGLESS_FLAGS = re.compile(r"--(no-cache-dir|user|break-system-packages|root-user-action=.*)")
_SEPARATORS = {"&&", "||", ";", "|", "&"}


@dataclass(frozen=True)
class PipInstall:
    """One `pip install`: its arguments, and the image's directory that it ran in."""

    workdir: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Base:
    """A process image that another one stands on: its manifest's configuration, its files, its installs."""

    config: Mapping[str, Any]
    files: Path
    installs: Sequence[PipInstall]


def no_base(image: str) -> Base | None:
    """No image is known."""
    return None


@dataclass
class Stage:
    """The state of a build: `context` is what was sent, `root` becomes the image's file system.

    `find` knows the images of the registries here, and raises BuildError for one that should be there and is not.
    """

    context: Path
    root: Path
    say: Callable[[str], None]
    find: Callable[[str], Base | None] = no_base
    arguments: dict[str, str] = field(default_factory=dict, repr=False)  # --build-arg; may be secret
    variables: dict[str, str] = field(default_factory=dict, repr=False)  # ARG so far
    env: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    ports: list[str] = field(default_factory=list)
    workdir: str = "/"
    user: str = ""
    entrypoint: list[str] = field(default_factory=list)
    cmd: list[str] = field(default_factory=list)
    installs: list[PipInstall] = field(default_factory=list)
    stages: int = 0

    def carry_out(self, instruction: Instruction) -> None:
        """Raises BuildError for what cannot be honoured."""
        handler = HANDLERS.get(instruction.name)
        if handler is None:
            raise instruction.refuse(f"a process image supports {', '.join(sorted(HANDLERS))}")
        if self.stages == 0 and instruction.name not in {"ARG", "FROM"}:
            raise instruction.refuse("the first instruction must be FROM")
        handler(self, instruction)

    def expand(self, text: str) -> str:
        return expand(text, {**self.variables, **self.env})

    def stand_on(self, base: Base) -> None:
        """Begin with another image's files (as hard links: a model need not be there twice) and settings."""
        shutil.copytree(base.files, self.root, symlinks=True, dirs_exist_ok=True, copy_function=os.link)
        self.env, self.labels = dict(base.config["Env"]), dict(base.config["Labels"])
        self.entrypoint, self.cmd = list(base.config["Entrypoint"]), list(base.config["Cmd"])
        self.workdir, self.user = base.config["WorkingDir"], base.config["User"]
        self.ports, self.installs = list(base.config["ExposedPorts"]), list(base.installs)

    def inside(self, path: str) -> Path:
        """Where the image's `path` (absolute, or relative to WORKDIR) lies on this machine."""
        return locate(self.root, str(PurePosixPath(self.workdir, path)))


def locate(root: Path, path: str) -> Path:
    """The place of the image's absolute `path` under `root`; `..` never leads outside."""
    kept: list[str] = []
    for part in PurePosixPath(path).parts:
        if part == "..":
            kept = kept[:-1]
        elif part.strip("/"):
            kept.append(part)
    return root.joinpath(*kept)


def _from(stage: Stage, instruction: Instruction) -> None:
    stage.stages += 1
    if stage.stages > 1:
        raise instruction.refuse("a process image has one stage only")
    _, text = instruction.flags()
    image = stage.expand(text).partition(" ")[0]
    if base := stage.find(image):
        stage.stand_on(base)
    else:
        stage.say(f" ---> {image} stands for this machine and its Python {platform.python_version()}")


def _arg(stage: Stage, instruction: Instruction) -> None:
    name, _, default = stage.expand(instruction.value).partition("=")
    stage.variables[name.strip()] = stage.arguments.get(name.strip(), default.strip().strip("\"'"))


def _env(stage: Stage, instruction: Instruction) -> None:
    stage.env |= {name: stage.expand(value) for name, value in pairs(instruction).items()}


def _label(stage: Stage, instruction: Instruction) -> None:
    stage.labels |= {name: stage.expand(value) for name, value in pairs(instruction).items()}


def _workdir(stage: Stage, instruction: Instruction) -> None:
    stage.workdir = str(PurePosixPath(stage.workdir, stage.expand(instruction.value)))
    stage.inside(".").mkdir(parents=True, exist_ok=True)


def _user(stage: Stage, instruction: Instruction) -> None:
    stage.user = stage.expand(instruction.value)
    stage.say(f" ---> replicas run as you, not as {stage.user}, in a process image")


def _expose(stage: Stage, instruction: Instruction) -> None:
    for word in stage.expand(instruction.value).split():
        stage.ports.append(word if "/" in word else f"{word}/tcp")


def _cmd(stage: Stage, instruction: Instruction) -> None:
    stage.cmd = command(instruction.value)


def _entrypoint(stage: Stage, instruction: Instruction) -> None:
    stage.entrypoint, stage.cmd = command(instruction.value), []


def _ignored(stage: Stage, instruction: Instruction) -> None:
    stage.say(f" ---> {instruction.name} has no effect in a process image")


def _copy(stage: Stage, instruction: Instruction) -> None:
    flags, rest = instruction.flags()
    if "from" in flags:
        raise instruction.refuse("--from: a process image has one stage only")
    rest = stage.expand(rest)
    *sources, target = exec_form(rest) or words(instruction, rest)
    if not sources:
        raise instruction.refuse("expected one source or more, and a destination")
    found = [path for source in sources for path in _sources(stage, instruction, source)]
    into_folder = target.endswith("/") or target in {".", ".."} or len(found) > 1
    for path in found:
        _copy_one(path, stage.inside(target), into_folder)


def _sources(stage: Stage, instruction: Instruction, pattern: str) -> list[Path]:
    place = locate(stage.context, "/" + pattern)
    found = [place] if place.exists() else sorted(stage.context.glob(str(place.relative_to(stage.context))))
    if not found:
        raise instruction.refuse(f"{pattern} is not in the build context")
    return found


def _copy_one(source: Path, target: Path, into_folder: bool) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=_copy_file)
        return
    if into_folder or target.is_dir():
        target = target / source.name
    target.parent.mkdir(parents=True, exist_ok=True)
    _copy_file(source, target)


def _copy_file(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    # never written into: the file there may be the base image's as well
    Path(target).unlink(missing_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)


def _run(stage: Stage, instruction: Instruction) -> None:
    _, text = instruction.flags()
    argv = exec_form(text)
    for words_ in [argv] if argv else _commands(stage, instruction, text):
        line = shlex.join(words_)
        if match := _PIP.match(line + " "):
            arguments = shlex.split(line[match.end() :])
            kept = tuple(word for word in arguments if not _MEANINGLESS_FLAGS.fullmatch(word))
            stage.installs.append(PipInstall(stage.workdir, kept))
        else:
            stage.say(f" ---> not run in a process image: {line}")


def _commands(stage: Stage, instruction: Instruction, text: str) -> list[list[str]]:
    lexer = shlex.shlex(stage.expand(text), posix=True, punctuation_chars="&|;")
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    try:
        for token in lexer:
            if token in _SEPARATORS:
                commands.append([])
            elif commands[-1] or not re.fullmatch(r"\w+=.*", token):  # an assignment before a command
                commands[-1].append(token)
    except ValueError as error:
        raise instruction.refuse(str(error)) from error
    return [found for found in commands if found]


HANDLERS: dict[str, Callable[[Stage, Instruction], None]] = {
    "ARG": _arg,
    "CMD": _cmd,
    "COPY": _copy,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "FROM": _from,
    "HEALTHCHECK": _ignored,
    "LABEL": _label,
    "MAINTAINER": _ignored,
    "RUN": _run,
    "STOPSIGNAL": _ignored,
    "USER": _user,
    "VOLUME": _ignored,
    "WORKDIR": _workdir,
}

__all__ = ["Base", "BuildError", "PipInstall", "Stage", "locate"]
