"""What the browser may do with the page, and which posts are believed to come from it.

A post from another site is refused by what the browser itself says about it (Sec-Fetch-Site, or Origin where that is
missing), besides the SameSite cookie: https://cheatsheetseries.owasp.org, "Cross-Site Request Forgery Prevention",
section on fetch metadata. A caller that sends neither is no browser and carries no cookie that could be abused.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # not no-referrer: browsers would then send `Origin: null` with the page's own posts
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
READING = ("GET", "HEAD", "OPTIONS")


class BrowserRules:
    """ASGI middleware: security headers on every response, 403 for posts that another site caused."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse or pass on, with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if scope["method"] in READING or own_post(Headers(scope=scope)):
            await self._app(scope, receive, with_headers)
        else:
            refusal = PlainTextResponse("This was sent by another site, so it was not done.\n", 403)
            await refusal(scope, receive, with_headers)


def own_post(headers: Headers) -> bool:
    """Whether a post with these headers comes from this page, or from no browser at all."""
    if site := headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    if origin := headers.get("origin"):
        return urlsplit(origin).netloc in (headers.get("host"), headers.get("x-forwarded-host"))
    return True
