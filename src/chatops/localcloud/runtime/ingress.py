"""The ways in: external apps on two ports of this machine, and a forward proxy through which replicas call each other.

External: http://127.0.0.1:8400 and, over TLS, port 8443 (or the next free ones, remembered), routed by host name. Plain
HTTP to a custom domain is redirected to TLS unless its app allows insecure traffic.
Internal: process replicas have it as HTTP_PROXY, with their environment's token as password. It knows the apps of that
environment by name and FQDN. Plain HTTP to any other place in the world is passed on, as Azure's outbound would; names
that can only be an app's (one word, or below an environment's domain) are not looked up elsewhere but answered 502.
HTTPS does not come through here: CONNECT is refused, since replicas reach the outside themselves. Containers need no
proxy: their environment's network leads the names of its apps to listening sockets that are admitted here.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import socket
import ssl
from collections.abc import Awaitable, Callable
from functools import partial
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from ..files import read_whole, write_private
from .forward import HEADER_LIMIT, Forwarder, Upstream, request_headers, text
from .ports import free_port
from .routes import Routes
from .spec import CHALLENGE
from .tls import SniCertificates

EXTERNAL_PORT = 8400
TLS_PORT = 8443
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
_SHUTDOWN = 5.0  # seconds that open connections have once all replicas are gone


class Ingress:
    """All listeners. `remember` keeps their ports from one start to the next."""

    def __init__(self, routes: Routes, remember: Path) -> None:
        self._routes = routes
        self._remember = remember
        self._runners: list[web.ServerRunner] = []
        self._admitted: dict[str, web.ServerRunner] = {}
        self._admitting = asyncio.Lock()
        self.certificates = SniCertificates(routes.certificate)
        self.external_port = self._ports().get("external", EXTERNAL_PORT)
        self.tls_port = self._ports().get("tls", TLS_PORT)
        self.internal_port = 0

    def _ports(self) -> dict[str, int]:
        found: dict[str, int] = json.loads(read_whole(self._remember) or "{}")
        return found

    async def open(self) -> None:
        """Listen. Raises OSError when no port can be had."""
        self._forwarder = Forwarder()
        self.external_port = await self._listen(self._external, self.external_port)
        self.tls_port = await self._listen(self._external, self.tls_port, self.certificates.front)
        self.internal_port = await self._listen(self._internal, self._ports().get("internal", 0))
        ports = {"external": self.external_port, "tls": self.tls_port, "internal": self.internal_port}
        write_private(self._remember, json.dumps(ports))

    async def _runner(self, handler: Handler) -> web.ServerRunner:
        server = web.Server(
            handler,
            handler_cancellation=True,
            max_line_size=HEADER_LIMIT,
            max_field_size=HEADER_LIMIT,
            access_log=None,
        )
        runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN)
        await runner.setup()
        self._runners.append(runner)
        return runner

    async def _listen(self, handler: Handler, preferred: int, tls: ssl.SSLContext | None = None) -> int:
        runner = await self._runner(handler)
        first = TLS_PORT if tls else EXTERNAL_PORT
        for port in (preferred, *range(first, first + 100), free_port()):
            try:
                await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
            except OSError:
                continue
            return int(runner.addresses[0][1])
        raise OSError("no free TCP port on 127.0.0.1")

    async def admit(self, environment: str, listening: socket.socket) -> web.SockSite:
        """Serve an environment's apps on a socket of the network that its containers are in."""
        async with self._admitting:
            if environment not in self._admitted:
                self._admitted[environment] = await self._runner(partial(self._within, environment))
        site = web.SockSite(self._admitted[environment], listening)
        await site.start()
        return site

    async def close_external(self) -> None:
        """No new connections from outside; what is under way goes on."""
        for site in [site for runner in self._runners[:2] for site in runner.sites]:
            await site.stop()

    async def close(self) -> None:
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()
        await self._forwarder.close()

    def proxy_url(self, environment: str) -> str:
        """What the replicas of this environment have as HTTP_PROXY."""
        return f"http://env:{self._routes.token(environment)}@127.0.0.1:{self.internal_port}"

    async def _external(self, request: web.BaseRequest) -> web.StreamResponse:
        host = request.headers.get(hdrs.HOST, "")
        if answer := self._before_apps(request, _name(host)):
            return answer
        app = self._routes.external(_name(host))
        if app is None:
            return self._page(host)
        if refusal := _unsupported(request):
            return refusal
        path = request.raw_path if request.raw_path.startswith("/") else _origin_form(request.raw_path)
        upstream = Upstream(_name(host), path, request_headers(request, host), outside=True)
        return await self._forwarder.to_app(request, app, upstream)

    async def _internal(self, request: web.BaseRequest) -> web.StreamResponse:
        environment = self._routes.environment(_token(request.headers.get(hdrs.PROXY_AUTHORIZATION, "")))
        if environment is None:
            challenge = {"Proxy-Authenticate": 'Basic realm="container apps environment"'}
            return text(407, "this proxy serves the replicas of one environment; its token is wrong", challenge)
        return await self._within(environment, request)

    async def _within(self, environment: str, request: web.BaseRequest) -> web.StreamResponse:
        """From a replica of that environment."""
        if refusal := _unsupported(request):
            return refusal
        target = urlsplit(request.raw_path)
        host = target.netloc or request.headers.get(hdrs.HOST, "")
        app = self._routes.internal(environment, _name(host))
        headers = request_headers(request, host)
        if app is not None:
            upstream = Upstream(_name(host), _origin_form(request.raw_path), headers)
            return await self._forwarder.to_app(request, app, upstream)
        if not target.netloc or self._routes.is_ours(_name(host)):
            return text(502, f"no app in this environment answers to {_name(host)!r}")
        for added in ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Request-Id"):
            headers.pop(added)
        return await self._forwarder.to_outside(request, request.raw_path, headers)

    def _before_apps(self, request: web.BaseRequest, host: str) -> web.Response | None:
        """What the ingress itself says over plain HTTP: an authority's challenge, or that a domain wants TLS."""
        if request.secure:
            return None
        token = self._routes.challenges.get(host)
        if token is not None and request.raw_path == CHALLENGE:
            return web.Response(text=token)
        custom = self._routes.custom(host)
        if custom is None or not custom.https:
            return None
        place = f"https://{host}:{self.tls_port}{_origin_form(request.raw_path)}"
        return text(301, f"moved to {place}", {"Location": place})

    def _page(self, host: str) -> web.Response:
        """What this machine serves, for somebody who asked for something else."""
        apps = [app.spec for app in self._routes.apps.values() if app.spec.external]
        links = [f"http://{app.name}.localhost:{self.external_port}/" for app in apps]
        items = "".join(f'<li><a href="{escape(link)}">{escape(link)}</a></li>' for link in links)
        listed = f"<p>External apps here:</p><ul>{items}</ul>" if items else "<p>No external app is running.</p>"
        page = f"<!doctype html><title>Not found</title><p>No app answers to {escape(repr(host))}.</p>{listed}"
        return web.Response(status=404, text=page, content_type="text/html")


def _name(host: str) -> str:
    return host.rsplit(":", 1)[0].lower() if not host.endswith("]") else host


def _origin_form(target: str) -> str:
    """Path and query of an absolute-form target, as they were sent."""
    if target.startswith("/"):
        return target
    _, _, rest = target.partition("://")
    slash = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    path = rest[slash:]
    return path if path.startswith("/") else f"/{path}"


def _token(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _unsupported(request: web.BaseRequest) -> web.Response | None:
    if request.method == hdrs.METH_CONNECT:
        return text(405, "CONNECT is refused: replicas reach HTTPS themselves", {"Allow": "GET, POST"})
    return None
