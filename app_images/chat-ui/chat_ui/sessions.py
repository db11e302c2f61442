"""Who is asking: an opaque session id in a signed cookie. There are no accounts; a browser is a session.

The cookie cannot be read by scripts (HttpOnly), is not sent with other sites' posts (SameSite=Lax), travels only
encrypted where the page is served over HTTPS, and any replica that has the same key accepts it.
"""

import secrets
from http.cookies import SimpleCookie

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "chat_session"
LIFETIME = 180 * 24 * 3600  # seconds
WITHOUT_SESSION = ("/health", "/ready", "/static/")


class Sessions:
    """ASGI middleware: puts the session's id into `request.state.session` and renews the cookie with every page."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._serializer = URLSafeTimedSerializer(key, salt="chat-session")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the session from the cookie, or begin one when there is none or its signature is wrong."""
        if scope["type"] != "http" or scope["path"].startswith(WITHOUT_SESSION):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        session = self._read(connection.cookies.get(COOKIE, "")) or secrets.token_urlsafe(24)
        scope.setdefault("state", {})["session"] = session
        cookie = self._cookie(session, is_https(connection))

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("Set-Cookie", cookie)
            await send(message)

        await self._app(scope, receive, with_cookie)

    def _read(self, value: str) -> str | None:
        try:
            session = self._serializer.loads(value, max_age=LIFETIME)
        except BadData:
            return None
        return session if isinstance(session, str) else None

    def _cookie(self, session: str, secure: bool) -> str:
        cookie = SimpleCookie({COOKIE: self._serializer.dumps(session)})
        cookie[COOKIE].update({"path": "/", "max-age": str(LIFETIME), "samesite": "Lax"})
        cookie[COOKIE]["httponly"] = True
        cookie[COOKIE]["secure"] = secure
        return cookie[COOKIE].OutputString()


def is_https(connection: HTTPConnection) -> bool:
    """Whether the browser speaks HTTPS; the ingress ends TLS and says so in X-Forwarded-Proto."""
    forwarded = connection.headers.get("x-forwarded-proto", connection.url.scheme)
    return forwarded.split(",")[0].strip() == "https"
