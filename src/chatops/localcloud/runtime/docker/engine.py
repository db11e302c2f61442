"""The Docker engine's own HTTP API over its unix socket: as much of it as containers of replicas need.

The `docker` SDK speaks it too, but synchronously; here hundreds of waits and log streams are coroutines of one loop.
https://docs.docker.com/reference/api/engine/ ; without a version in the path the engine answers in its newest.
"""

from __future__ import annotations

import asyncio
import base64
import json
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from ..spec import RuntimeFailure, Unavailable
from ..usage import Usage

Body = dict[str, Any]
_PATIENCE = 120.0  # seconds for one call; a busy machine takes long to start a container
_GONE = (404, 409)  # no such thing; has ended, or is being removed
BLOCK = 65536
_FRAME = 8  # bytes before each piece of a container's output: stream, three zeros, length


class EngineGone(Unavailable):
    """The engine does not answer."""

    def __init__(self, socket: str, why: object) -> None:
        super().__init__("ContainerAppOperationError", f"the Docker engine at {socket} does not answer: {why}")


class EngineRefusal(RuntimeFailure):
    """The engine answered with an error of its own, quoted in the message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__("ContainerAppOperationError", f"the Docker engine says: {message}")
        self.status = status


@dataclass(frozen=True)
class Login:
    """Who pulls: a registry's user and password."""

    username: str
    password: str

    def header(self) -> dict[str, str]:
        plain = json.dumps({"username": self.username, "password": self.password})
        return {"X-Registry-Auth": base64.urlsafe_b64encode(plain.encode()).decode()}


class Engine:
    """One engine, by the path of its socket. Every method raises EngineGone or EngineRefusal."""

    def __init__(self, socket: str) -> None:
        self.socket = socket
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            limits = aiohttp.ClientTimeout(total=None, sock_connect=5)
            connector = aiohttp.UnixConnector(self.socket, limit=0)
            self._session = aiohttp.ClientSession("http://docker", connector=connector, timeout=limits)
        return self._session

    @asynccontextmanager
    async def _ask(self, method: str, path: str, **request: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with self._opened().request(method, path, **request) as answer:
                if answer.status >= 400:
                    raise EngineRefusal(answer.status, _message(await answer.read()))
                yield answer
        except aiohttp.ClientPayloadError as error:
            raise EngineGone(self.socket, "it broke off in the midst of an answer") from error
        except (aiohttp.ClientError, OSError) as error:
            raise EngineGone(self.socket, error or type(error).__name__) from error

    async def call(self, method: str, path: str, body: Body | None = None, **params: str) -> Any:
        """One call; its JSON, None when there is none in the answer."""
        try:
            async with asyncio.timeout(_PATIENCE), self._ask(method, path, json=body, params=params) as answer:
                content = await answer.read()
        except TimeoutError as error:
            raise EngineGone(self.socket, f"no answer within {_PATIENCE:g} s") from error
        return json.loads(content) if content.strip() else None

    async def version(self) -> Body:
        """`Version`, `Os`, `Arch` and more."""
        found: Body = await self.call("GET", "/version")
        return found

    async def image(self, name: str) -> Body | None:
        """What the engine knows of an image, None when it does not have it."""
        return await self._known(f"/images/{name}/json")

    async def pull(self, name: str, login: Login | None) -> None:
        """Fetch an image by `<registry>/<repository>@<digest>`; what it has already is not fetched again."""
        headers = login.header() if login else {}
        async with aclosing(self.told("/images/create", {"fromImage": name}, headers=headers)) as messages:
            async for message in messages:
                if refusal := message.get("error"):  # comes with status 200, as the stream has begun
                    raise EngineRefusal(500, refusal)

    async def told(self, path: str, params: Mapping[str, str], **request: Any) -> AsyncGenerator[Body, None]:
        """What the engine tells of a long work (build, push, pull) while it goes on; closing this ends the work."""
        rest = b""
        async with self._ask("POST", path, params=params, **request) as answer:
            async for piece in answer.content.iter_any():
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    if line.strip():
                        yield json.loads(line)

    async def tag(self, image: str, repository: str, tag: str) -> None:
        await self.call("POST", f"/images/{image}/tag", repo=repository, tag=tag)

    async def remove_image(self, name: str, *, parents: bool = True) -> None:
        """Remove a name, and with the last one the image and, if asked, the unnamed ones below it.

        What something still stands on is left.
        """
        await self._unless_gone("DELETE", f"/images/{name}", noprune=str(int(not parents)))

    async def import_files(self, name: str, tarball: bytes) -> None:
        """Make an image of one layer."""
        repository, _, tag = name.partition(":")
        params = {"fromSrc": "-", "repo": repository, "tag": tag}
        async with self._ask("POST", "/images/create", params=params, data=tarball) as answer:
            await answer.read()

    async def container(self, id: str) -> Body | None:
        """What the engine knows of a container, None when there is none."""
        return await self._known(f"/containers/{id}/json")

    async def _known(self, path: str) -> Body | None:
        try:
            found: Body = await self.call("GET", path)
        except EngineRefusal as refusal:
            if refusal.status == 404:
                return None
            raise
        return found

    async def run(self, name: str, body: Body) -> str:
        """Create and start a container; its id. One that cannot start is removed again."""
        id = str((await self.call("POST", "/containers/create", body, name=name))["Id"])
        try:
            await self.call("POST", f"/containers/{id}/start")
        except EngineRefusal:
            await self.remove(id)
            raise
        return id

    async def signal(self, id: str, name: str) -> None:
        """Send a signal to the container's first process, if there still is one."""
        await self._unless_gone("POST", f"/containers/{id}/kill", signal=name)

    async def stop(self, id: str, grace: float) -> None:
        """SIGTERM, and SIGKILL after `grace` seconds; return when it has ended."""
        await self._unless_gone("POST", f"/containers/{id}/stop", t=str(round(grace)))

    async def exit_code(self, id: str) -> int:
        """Wait until the container has ended."""
        async with self._ask("POST", f"/containers/{id}/wait") as answer:
            return int((await answer.json())["StatusCode"])

    async def usage(self, id: str) -> Usage:
        """What a running container uses; memory without the files that are only cached, as Azure counts it."""
        found = await self.call("GET", f"/containers/{id}/stats", None, stream="0", **{"one-shot": "1"})
        memory = found["memory_stats"]
        details = memory.get("stats", {})
        cached = details.get("inactive_file", details.get("total_inactive_file", 0))
        return Usage(found["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9, memory.get("usage", 0) - cached)

    async def follow(self, id: str, write: Callable[[bytes], None]) -> None:
        """Hand on all that a container printed and prints, until it ends."""
        params = {"follow": "1", "stdout": "1", "stderr": "1"}
        async with self._ask("GET", f"/containers/{id}/logs", params=params) as answer:
            while True:
                try:
                    head = await answer.content.readexactly(_FRAME)
                    write(await answer.content.readexactly(int.from_bytes(head[4:])))
                except asyncio.IncompleteReadError:
                    return

    async def attach(self, path: str, body: Body) -> tuple[StreamReader, StreamWriter]:
        """A call whose connection becomes a stream of bytes both ways."""
        content = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
        )
        try:
            reader, writer = await asyncio.open_unix_connection(self.socket)
            writer.write(head.encode() + content)
            answer = await reader.readuntil(b"\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError) as error:
            raise EngineGone(self.socket, error) from error
        if (status := int(answer.split()[1])) >= 400:
            message = _message(await reader.read(BLOCK))
            writer.close()
            raise EngineRefusal(status, message)
        return reader, writer

    async def remove(self, id: str) -> None:
        """End a container, if it runs, and remove it with its files."""
        await self._unless_gone("DELETE", f"/containers/{id}", force="1", v="1")

    async def removed(self, id: str) -> None:
        """Return when a container is gone, whoever removes it."""
        await self._unless_gone("POST", f"/containers/{id}/wait", condition="removed")

    async def containers(self, labels: Mapping[str, str]) -> list[Body]:
        """All containers with these labels, ended ones too."""
        found: list[Body] = await self.call("GET", "/containers/json", all="1", filters=_filters(labels))
        return found

    async def networks(self, labels: Mapping[str, str]) -> list[Body]:
        found: list[Body] = await self.call("GET", "/networks", filters=_filters(labels))
        return found

    async def make_network(self, name: str, labels: Mapping[str, str]) -> None:
        await self.call("POST", "/networks/create", {"Name": name, "Driver": "bridge", "Labels": dict(labels)})

    async def remove_network(self, id: str) -> None:
        await self._unless_gone("DELETE", f"/networks/{id}")

    async def _unless_gone(self, method: str, path: str, **params: str) -> None:
        try:
            await self.call(method, path, None, **params)
        except EngineRefusal as refusal:
            if refusal.status not in _GONE:
                raise


def _filters(labels: Mapping[str, str]) -> str:
    return json.dumps({"label": [f"{name}={value}" for name, value in labels.items()]})


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace")
