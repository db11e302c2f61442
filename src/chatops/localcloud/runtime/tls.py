"""The certificates that the ingress serves: one context each, chosen by the host name that a client asks for (SNI)."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Callable


class SniCertificates:
    """Server contexts by certificate id. `choose` tells the id for a host name, None when it has no certificate."""

    def __init__(self, choose: Callable[[str], str | None]) -> None:
        self._choose = choose
        self._contexts: dict[str, ssl.SSLContext] = {}
        self.front = _context()
        """What the listener has: every handshake moves on to the context of its host name, or ends."""
        self.front.sni_callback = self._by_name

    def put(self, id: str, pem: str) -> None:
        """Serve this key and chain. Raises ValueError when they are none, or do not belong together."""
        context = _context()
        # OpenSSL reads keys from files alone; a temporary one is private, and gone at once
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(pem)
            file.flush()
            try:
                context.load_cert_chain(file.name)
            except ssl.SSLError as failure:
                raise ValueError(f"no key with its certificate: {failure.reason}") from failure
        self._contexts[id] = context

    def delete(self, id: str) -> None:
        self._contexts.pop(id, None)

    def _by_name(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        context = self._contexts.get(self._choose((name or "").lower()) or "")
        if context is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.context = context
        return None


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
