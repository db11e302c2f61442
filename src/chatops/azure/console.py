"""Runs a command inside a replica, through Azure's container exec, and hears what it prints.

It speaks what `az containerapp exec` speaks (see `localcloud/data/consoles.py` for the bytes). Azure tells in words,
not in numbers, how a command ended: whoever needs to know has the command print it.
https://learn.microsoft.com/azure/container-apps/container-console
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from chatops.azure.calls import calling
from chatops.azure.clients import Azure
from chatops.errors import NotReachable

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

T = TypeVar("T")
FORWARD, ERROR = 0, 2
INPUT = b"\x00\x00"
CONNECT_SECONDS = 20.0


@dataclass(frozen=True)
class Inside:
    """A container of one replica: where commands can be run. `endpoint` is its `execEndpoint`."""

    group: str
    app: str
    replica: str
    endpoint: str


@dataclass(frozen=True)
class Said:
    """What a command printed, and what Azure said about it where it did not end well."""

    output: str
    error: str | None


class Console:
    """A command that runs on a terminal inside a replica. `error` is what Azure said when it did not end well.

    Its connection lives in an event loop that runs while something is waited for. (The `websockets` client without a
    loop reads and writes one TLS connection in two threads, which OpenSSL does not allow: calls are lost by it.)
    """

    def __init__(self, socket: ClientConnection, loop: asyncio.Runner, what: str) -> None:
        self._socket = socket
        self._loop = loop
        self._what = what
        self.error: str | None = None

    def hear(self, seconds: float) -> bytes | None:
        """Return what the command printed next, None after its end. Raises TimeoutError after `seconds` of silence."""
        from websockets.exceptions import ConnectionClosed

        deadline = time.monotonic() + seconds
        while True:
            try:
                message = self._loop.run(_within(deadline - time.monotonic(), self._socket.recv()))
            except ConnectionClosed:
                return None
            said = message if isinstance(message, bytes) else message.encode()
            if said[:1] == bytes([FORWARD]):
                return said[2:]
            if said[:1] == bytes([ERROR]):
                self.error = self.error or _sentence(said[1:])

    def lines(self, seconds: float) -> Iterator[str]:
        """Return what the command prints, line by line. Raises NotReachable after `seconds` of silence."""
        begun = b""
        try:
            while (data := self.hear(seconds)) is not None:
                *whole, begun = (begun + data).split(b"\n")
                yield from (line.rstrip(b"\r").decode(errors="replace") for line in whole)
        except TimeoutError:
            raise NotReachable(self._what, f"nothing was heard for {seconds:g} s") from None

    def type(self, data: bytes) -> None:
        """Send what the command reads. Raises NotReachable when it has ended, or the connection has."""
        from websockets.exceptions import ConnectionClosed

        try:
            self._loop.run(self._socket.send(INPUT + data))
        except ConnectionClosed as error:
            raise NotReachable(self._what, self.error or "the console was closed") from error


async def _within(seconds: float, waiting: Coroutine[None, None, T]) -> T:
    async with asyncio.timeout(max(0.0, seconds)):
        return await waiting


@contextmanager
def console(azure: Azure, inside: Inside, command: str) -> Iterator[Console]:
    """Run `command` (words, no shell) for as long as the context lasts. Raises NotReachable when it cannot be had."""
    from websockets.exceptions import WebSocketException

    what = f"running `{command}` in replica '{inside.replica}'"
    with calling("asking for a token of", f"container app '{inside.app}'"):
        answer = azure.container_apps.container_apps.get_auth_token(inside.group, inside.app)
    token = str(answer.properties.token if answer.properties else "")
    with asyncio.Runner() as loop:
        try:
            socket = loop.run(_connect(azure, f"{inside.endpoint}?{urlencode({'command': command})}", token))
        except (WebSocketException, OSError) as error:
            raise NotReachable(what, f"no console ({type(error).__name__}: {error})") from error
        try:
            yield Console(socket, loop, what)
        finally:
            loop.run(socket.close())


async def _connect(azure: Azure, url: str, token: str) -> ClientConnection:
    from websockets.asyncio.client import connect

    return await connect(
        url,
        additional_headers={"Authorization": f"Bearer {token}"},
        ssl=ssl.create_default_context(cafile=azure.cloud.ca_file),
        proxy=None if azure.cloud.proxy else True,
        open_timeout=CONNECT_SECONDS,
        close_timeout=1,
        ping_interval=None,  # nobody would hear an answer while nothing is waited for
    )


def run_inside(azure: Azure, inside: Inside, command: str, seconds: float) -> Said:
    """Run `command` and wait for its end, for `seconds` at most.

    Raises NotReachable when the console cannot be had, TimeoutError when the command does not end.
    """
    deadline = time.monotonic() + seconds
    output = b""
    with console(azure, inside, command) as terminal:
        try:
            while (data := terminal.hear(deadline - time.monotonic())) is not None:
                output += data
        except TimeoutError:
            raise TimeoutError(f"`{command}` did not end within {seconds:g} s") from None
    return Said(output.decode(errors="replace").replace("\r\n", "\n"), terminal.error)


def _sentence(said: bytes) -> str:
    """Azure's message in the JSON that its proxy sends, or whatever else it sent."""
    text = said.decode(errors="replace")
    try:
        return str(json.loads(text)["Error"]["Message"])
    except (ValueError, KeyError, TypeError):
        return text


def inside(azure: Azure, group: str, app: str, revision: str) -> Inside | None:
    """Return the first container that runs in a revision, None when none does."""
    with calling("listing replicas of", f"revision '{revision}'"):
        replicas = azure.container_apps.container_apps_revision_replicas.list_replicas(group, app, revision).value
    for replica in replicas:
        for container in (replica.properties.containers if replica.properties else None) or []:
            if container.running_state == "Running" and container.exec_endpoint:
                return Inside(group, app, str(replica.name), container.exec_endpoint)
    return None
