"""WebSocket connections through the ingress: message by message between a client and a replica, until either ends it.

Frames are not kept as they were cut, and nothing is compressed on the way; both ends see the same messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TypeAlias

import aiohttp
import yarl
from aiohttp import WSCloseCode, WSMsgType, hdrs, web
from multidict import CIMultiDict

Socket: TypeAlias = "aiohttp.ClientWebSocketResponse | web.WebSocketResponse"
_PREFIX = "sec-websocket-"
_UNSENDABLE = (None, 1005, WSCloseCode.ABNORMAL_CLOSURE)  # RFC 6455 §7.4.1


def wanted(headers: Mapping[str, str]) -> bool:
    """Whether a client asks for a WebSocket."""
    asked = headers.get(hdrs.UPGRADE, "").lower()
    return asked == "websocket" and "upgrade" in headers.get(hdrs.CONNECTION, "").lower()


async def connect(
    session: aiohttp.ClientSession, request: web.BaseRequest, url: yarl.URL, headers: CIMultiDict[str]
) -> aiohttp.ClientWebSocketResponse:
    """Ask a replica for the WebSocket that its client asked for. Raises aiohttp's errors."""
    kept = [(name, value) for name, value in headers.items() if not name.lower().startswith(_PREFIX)]
    return await session.ws_connect(
        url, headers=CIMultiDict(kept), protocols=_protocols(request), autoping=False, max_msg_size=0
    )


def _protocols(request: web.BaseRequest) -> list[str]:
    offered = request.headers.getall(hdrs.SEC_WEBSOCKET_PROTOCOL, [])
    return [name.strip() for names in offered for name in names.split(",") if name.strip()]


async def relay(request: web.BaseRequest, inner: aiohttp.ClientWebSocketResponse) -> web.WebSocketResponse:
    """Carry messages both ways until one side closes; its code and reason reach the other."""
    protocols = [inner.protocol] if inner.protocol else []
    outer = web.WebSocketResponse(protocols=protocols, autoping=False, compress=False, max_msg_size=0)
    try:
        await outer.prepare(request)
        async with asyncio.TaskGroup() as both:
            both.create_task(_carry(outer, inner))
            both.create_task(_carry(inner, outer))
    finally:
        await inner.close()
    return outer


async def _carry(source: Socket, target: Socket) -> None:
    while True:
        message = await source.receive()
        try:
            if target.closed or not await _pass_on(message, target):
                break
        except ConnectionError:  # the target is gone; its own side says so
            break
    code = WSCloseCode.GOING_AWAY if source.close_code in _UNSENDABLE else source.close_code
    reason = message.extra if message.type is WSMsgType.CLOSE else None
    await target.close(code=code, message=(reason or "").encode())


async def _pass_on(message: aiohttp.WSMessage, target: Socket) -> bool:
    """Send one message on; False when it ends the connection."""
    match message.type:
        case WSMsgType.TEXT:
            await target.send_str(message.data)
        case WSMsgType.BINARY:
            await target.send_bytes(message.data)
        case WSMsgType.PING:
            await target.ping(message.data)
        case WSMsgType.PONG:
            await target.pong(message.data)
        case _:
            return False
    return True
