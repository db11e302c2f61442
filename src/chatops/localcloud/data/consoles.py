"""Container exec: a command inside a replica over a WebSocket, as `az containerapp exec` speaks it.

`wss://.../exec?command=...` with the token of the app's `getAuthToken`. The first byte of a message says whose it is:
0 is the command's, where the second byte is 0 input, 1 output, 4 the terminal's size as JSON; 1 is a note and 2 an
error of Azure's own proxy. How the command ended is told in words only, as Azure does.
"""

from __future__ import annotations

import asyncio
import json
import shlex

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from ..runtime.contract import Terminal
from ..runtime.spec import RuntimeFailure
from ..world import World
from .streams import CONTAINER, app_of

INPUT, OUTPUT, RESIZE = b"\x00\x00", b"\x00\x01", b"\x00\x04"
INFO, ERROR = b"\x01", b"\x02"
POLICY_VIOLATION = 1008


def console_routes(world: World) -> list[WebSocketRoute]:
    """`GET .../containers/{container}/exec?command=` as an upgrade to a WebSocket."""

    async def console(socket: WebSocket) -> None:
        named = socket.path_params
        if (app := app_of(world, socket)) is None:
            await socket.close(POLICY_VIOLATION)  # before it was accepted: an answer of 403
            return
        await socket.accept()
        try:
            argv = shlex.split(socket.query_params.get("command") or "sh")
            terminal = await world.runtime.exec(app.key, named["replica"], argv)
        except (RuntimeFailure, ValueError) as failure:
            await socket.send_bytes(_error(str(failure)))
            await socket.close()
            return
        where = f"[ Revision: '{named['revision']}', Replica: '{named['replica']}' ]"
        await socket.send_bytes(
            INFO + f"Successfully connected to container: '{named['container']}'. {where}.".encode()
        )
        await _converse(socket, terminal)

    return [WebSocketRoute(f"{CONTAINER}/exec", console)]


async def _converse(socket: WebSocket, terminal: Terminal) -> None:
    """Pass on both ways until the command ends or the caller has gone; then end the other."""
    heard = asyncio.create_task(_listen(socket, terminal))
    said = asyncio.create_task(_speak(socket, terminal))
    await asyncio.wait({heard, said}, return_when=asyncio.FIRST_COMPLETED)
    gone = heard.done()
    for task in (heard, said):
        task.cancel()
    await asyncio.gather(heard, said, return_exceptions=True)
    code = await terminal.close()
    if gone:
        return
    if code:
        await socket.send_bytes(_error(f"command terminated with non-zero exit code: exit status {code}"))
    await socket.close()


async def _speak(socket: WebSocket, terminal: Terminal) -> None:
    while data := await terminal.read():
        await socket.send_bytes(OUTPUT + data)


async def _listen(socket: WebSocket, terminal: Terminal) -> None:
    try:
        while True:
            received = await socket.receive()
            if received["type"] == "websocket.disconnect":
                return
            # az sends frames of text, whatever is in them
            message = received.get("bytes") or (received.get("text") or "").encode()
            if message.startswith(INPUT):
                terminal.write(message[2:])
            elif message.startswith(RESIZE):
                size = json.loads(message[2:])
                terminal.resize(int(size["Width"]), int(size["Height"]))
    except (KeyError, ValueError, OSError):
        return  # speaking something else, or to a command that has ended


def _error(said: str) -> bytes:
    message = f"Cluster exec API returns error: {said}"
    return ERROR + json.dumps({"Error": {"Code": "ClusterExecFailure", "Message": message}}).encode()
