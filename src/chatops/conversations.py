"""The conversations of a stack, out of its database and back, by the console of a replica of db-api.

The database answers only inside its network, so `python -m db_api.conversations` runs there and talks over a terminal:
lines of base64, which survive one, and a line of JSON that says how it went. `app_images/db-api/db_api/archive.py`
tells the form of the file. What is not whole is never kept under the file's own name.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

from chatops.azure.clients import Azure
from chatops.azure.console import Console, Inside, console
from chatops.errors import ChatopsError

COMMAND = "python -m db_api.conversations"
SILENCE = 60.0  # seconds
BLOCK = 3000  # bytes of a line that is sent
UNHEARD = 2  # lines that may be under way: more does not fit into a terminal whose reader is busy


@dataclass(frozen=True)
class Counts:
    """How many chats, and how many messages in them."""

    chats: int
    messages: int

    def __str__(self) -> str:
        return f"{_many(self.chats, 'chat')} with {_many(self.messages, 'message')}"


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def count(azure: Azure, inside: Inside) -> Counts:
    """Return how much there is. Raises ChatopsError."""
    with console(azure, inside, f"{COMMAND} count") as terminal:
        return _Talk(terminal).verdict()


def export(azure: Azure, inside: Inside, file: Path) -> Counts:
    """Write all conversations into a file that only its owner may read. Raises ChatopsError; then there is no file."""
    try:
        with NamedTemporaryFile(dir=file.parent, prefix=f"{file.name}.", suffix=".part", delete=False) as part:
            try:
                with console(azure, inside, f"{COMMAND} export") as terminal:
                    _receive(_Talk(terminal), part)
                counts = counts_in(Path(part.name))
                Path(part.name).replace(file)
            finally:
                Path(part.name).unlink(missing_ok=True)
    except OSError as error:
        raise ChatopsError(f"writing {file}: {error.strerror or error}") from error
    return counts


def _receive(talk: _Talk, part: IO[bytes]) -> None:
    for line in talk.lines():
        try:
            part.write(base64.b64decode(line, validate=True))
        except ValueError:
            raise ChatopsError(f"db-api said what is no part of an export: {line[:200]}") from None
    talk.verdict()
    part.flush()
    os.fsync(part.fileno())


def take_in(azure: Azure, inside: Inside, file: Path) -> Counts:
    """Add what a file holds and the database does not, all or nothing. Returns what was added. Raises ChatopsError."""
    with console(azure, inside, f"{COMMAND} import") as terminal, file.open("rb") as source:
        talk = _Talk(terminal)
        talk.until_ready()
        for number, block in enumerate(iter(lambda: source.read(BLOCK), b"")):
            terminal.type(base64.b64encode(block) + b"\n")
            if number + 1 >= UNHEARD:
                talk.acknowledged()
        terminal.type(b"\n")
        return talk.verdict()


class _Talk:
    """What db-api says, told apart: lines of base64, acknowledgements, and the verdict, which is the last."""

    def __init__(self, terminal: Console) -> None:
        self._terminal = terminal
        self._lines = (line for line in terminal.lines(SILENCE) if line)
        self._verdict: dict[str, Any] | None = None

    def lines(self) -> Iterator[str]:
        """Return what comes before the verdict."""
        for line in self._lines:
            if not line.startswith("{"):
                yield line
                continue
            try:
                self._verdict = json.loads(line)
            except ValueError:
                raise ChatopsError(f"db-api said what is no answer: {line[:200]}") from None
            return

    def until_ready(self) -> None:
        """Raises ChatopsError when it says anything else."""
        said = "\n".join(self.lines())
        if self._verdict != {"ready": True}:
            raise self._failed(said)

    def acknowledged(self) -> None:
        """Wait until one more line was read. Raises ChatopsError when none will be."""
        if (said := next(self.lines(), "")) != ".":
            raise self._failed(said)

    def verdict(self) -> Counts:
        """Hear the end. Raises ChatopsError when it did not go well, or does not say."""
        said = "" if self._verdict and "ok" in self._verdict else "\n".join(self.lines())
        if not self._verdict or not self._verdict.get("ok"):
            raise self._failed(said)
        return Counts(self._verdict["chats"], self._verdict["messages"])

    def _failed(self, said: str) -> ChatopsError:
        if "No module named" in said:
            return ChatopsError("its image is too old for that, or another", hint="chatops deploy db-api")
        why = (self._verdict or {}).get("why") or said.strip(".\n").rpartition("\n")[2] or self._terminal.error
        return ChatopsError(str(why or "the console was closed before the end"))


def counts_in(file: Path) -> Counts:
    """Return what a file holds. Raises ChatopsError when it is not whole, or something else."""
    kinds, digest, end = {"conversations": 0, "chat": 0, "message": 0}, hashlib.sha256(), None
    try:
        with gzip.open(file) as packed:
            for line in packed:
                if end:
                    raise ValueError("it goes on after its end")
                ((kind, value),) = json.loads(line).items()
                if kind == "end":
                    end = value
                else:
                    kinds[kind] += 1
                    digest.update(line)
    except (EOFError, OSError, zlib.error, ValueError, KeyError, AttributeError) as error:
        raise ChatopsError(f"{file} does not hold whole conversations: {error}") from error
    if end != {"chats": kinds["chat"], "messages": kinds["message"], "sha256": digest.hexdigest()}:
        raise ChatopsError(f"{file} does not hold whole conversations: {'another checksum' if end else 'no end'}")
    return Counts(kinds["chat"], kinds["message"])
