"""Commands inside replicas: what they print, how they end, and who may run them."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ..conftest import wait_for
from .conftest import Stack

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def container(stack: Stack) -> Iterator[dict[str, Any]]:
    """The one container of the app `console`, and the token of its app."""
    made = stack.put("console", stack.body(GREETING="from the app"))
    revision = made.properties.latest_revision_name
    replica = stack.client.container_apps_revision_replicas.list_replicas(stack.group, "console", revision).value[0]
    token = stack.client.container_apps.get_auth_token(stack.group, "console").properties.token
    endpoint = replica.properties.containers[0].exec_endpoint
    yield {"token": token, "endpoint": endpoint, "ca": stack.cloud.endpoint["ca_file"]}
    stack.client.container_apps.begin_delete(stack.group, "console").result()


def enter(container: dict[str, Any], command: str, token: str | None = None) -> connect:
    return connect(
        f"{container['endpoint']}?{urlencode({'command': command})}",
        additional_headers={"Authorization": f"Bearer {token or container['token']}"},
        ssl=ssl.create_default_context(cafile=container["ca"]),
        proxy=None,
        open_timeout=120,
    )


async def ran(container: dict[str, Any], command: str) -> tuple[str, list[str], list[str]]:
    async with enter(container, command) as socket:
        return await heard(socket)


async def heard(socket: ClientConnection) -> tuple[str, list[str], list[str]]:
    """Output, notes and errors, to the end."""
    said: dict[int, list[bytes]] = {0: [], 1: [], 2: []}
    with pytest.raises(ConnectionClosed):
        while True:
            async with asyncio.timeout(120):
                message = await socket.recv()
            said[message[0]].append(bytes(message[2 if message[0] == 0 else 1 :]))
    output = b"".join(said[0]).decode().replace("\r\n", "\n")
    return output, [one.decode() for one in said[1]], [json.loads(one)["Error"]["Message"] for one in said[2]]


async def test_a_command_runs_in_the_surroundings_of_the_app(container: dict[str, Any]) -> None:
    command = 'python -c \'import os; print(os.environ["GREETING"], os.path.exists("service.py"))\''
    output, notes, errors = await ran(container, command)
    assert (output, errors) == ("from the app True\n", [])
    assert notes[0].startswith("Successfully connected to container: 'main'")


async def test_how_it_ended_is_said_in_words(container: dict[str, Any]) -> None:
    output, _, errors = await ran(container, "python -c 'print(1); raise SystemExit(5)'")
    assert output == "1\n"
    assert errors == ["Cluster exec API returns error: command terminated with non-zero exit code: exit status 5"]


async def test_what_is_typed_reaches_the_command_on_a_terminal_of_its_size(container: dict[str, Any]) -> None:
    async with enter(container, "sh") as socket:
        await socket.send("\x00\x04" + json.dumps({"Width": 91, "Height": 17}))  # as text, as az does
        await socket.send(b"\x00\x00stty size; exit\n")
        output, _, errors = await heard(socket)
    assert "17 91" in output
    assert errors == []


async def test_a_caller_who_leaves_ends_the_command(container: dict[str, Any], stack: Stack) -> None:
    left = stack.cloud.home / "children"
    before = {file.name for file in left.iterdir()}
    async with enter(container, "cat") as socket:
        await socket.recv()
        (added,) = {file.name for file in left.iterdir()} - before
    wait_for(lambda: not (left / added).exists())


async def test_a_program_that_is_not_there(container: dict[str, Any]) -> None:
    assert "nowhere: not found" in (await ran(container, "nowhere"))[2][0]


async def test_only_with_the_token_of_that_app(container: dict[str, Any], stack: Stack) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await enter(container, "sh", stack.cloud.token)
    assert caught.value.response.status_code == 403
