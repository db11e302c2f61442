"""The conversations as a file: gzip of JSON lines, whole or recognisably not.

    {"conversations": 1}                      what this is, and the version of its form
    {"chat": {"session_id": ..., "id": ...}}  a chat
    {"message": {"id": ..., "role": ...}}     each of its messages, oldest first
    {"end": {"chats": 1, "messages": 1, "sha256": ...}}    the checksum of all lines before this one

A file that was cut off has no last line, one that was changed has another checksum.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO, Protocol

CHAT, MESSAGE = "chat", "message"
HEAD = ("conversations", '{"conversations": 1}')


class Writable(Protocol):
    """What gzip needs of a file to write to."""

    def write(self, data: bytes, /) -> object: ...

    def flush(self) -> object: ...


class DamagedError(Exception):
    """What was read is not a whole archive; the message says why."""


def write(lines: Iterable[tuple[str, str]], file: Writable) -> dict[str, int]:
    """Write lines, each with its kind, and the end after them. Returns how many chats and messages there were."""
    counts, digest = {CHAT: 0, MESSAGE: 0, HEAD[0]: 0}, hashlib.sha256()
    with gzip.GzipFile(fileobj=file, mode="wb") as packed:
        for kind, line in chain([HEAD], lines):
            data = line.encode() + b"\n"
            counts[kind] += 1
            digest.update(data)
            packed.write(data)
        packed.write(json.dumps({"end": _end(counts, digest.hexdigest())}).encode() + b"\n")
    return {"chats": counts[CHAT], "messages": counts[MESSAGE]}


def read(file: BinaryIO) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each chat and message with its kind. Raises DamagedError, at the latest at the end."""
    try:
        yield from _checked(file)
    except (EOFError, OSError, zlib.error, ValueError, AttributeError) as error:
        raise DamagedError(f"{type(error).__name__}: {error}") from error


def _checked(file: BinaryIO) -> Iterator[tuple[str, dict[str, Any]]]:
    counts, digest, end = {CHAT: 0, MESSAGE: 0, HEAD[0]: 0}, hashlib.sha256(), None
    with gzip.GzipFile(fileobj=file) as packed:
        for line in packed:
            if end:
                raise ValueError("it goes on after its end")
            ((kind, value),) = json.loads(line).items()
            if kind == "end":
                end = value
                continue
            if kind not in counts or (kind == HEAD[0] and value != 1):
                raise ValueError(f"unknown line or version: {kind}")
            counts[kind] += 1
            digest.update(line)
            if kind != HEAD[0]:
                yield kind, value
    if counts[HEAD[0]] != 1 or end != _end(counts, digest.hexdigest()):
        raise ValueError("its checksum is another" if end else "its end is missing")


def _end(counts: dict[str, int], checksum: str) -> dict[str, Any]:
    return {"chats": counts[CHAT], "messages": counts[MESSAGE], "sha256": checksum}
