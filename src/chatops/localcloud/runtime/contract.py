"""The contract between the control plane and what really runs. The runtime knows neither ARM nor api-versions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from .spec import Activity, AppSpec, AppStatus, CustomDomain, Share
from .tally import Tally


class Terminal(Protocol):
    """A command that runs on a terminal: bytes both ways until it ends."""

    async def read(self) -> bytes:
        """The next output; b"" when the command has ended and all was read."""

    def write(self, data: bytes) -> None:
        """Input for the command, which may take its time. Raises OSError for more than can be kept for it."""

    def resize(self, width: int, height: int) -> None: ...

    async def close(self) -> int:
        """End the command if it still runs. Returns its exit code (negative: the signal)."""


class Runtime(Protocol):
    """What really runs. All calls are idempotent; each returns when the thing is there (or gone)."""

    async def start(self) -> None:
        """End what an earlier daemon left behind (by pid and start time), open the ingress."""

    async def stop(self) -> None:
        """Drain and end every replica, then the databases; close the ingress."""

    async def put_server(self, server: str, version: str, admin: str, password: str | None) -> str:
        """Start the database server `server` (ARM id, lower-case), made on first use with `admin` and `password`.

        Without a password the server must exist already (the daemon starts again). Returns the version really running.
        """

    async def stop_server(self, server: str) -> None:
        """End the server and keep its data; `put_server` without a password starts it again."""

    async def delete_server(self, server: str) -> None: ...

    async def put_database(self, server: str, name: str) -> None: ...

    async def delete_database(self, server: str, name: str) -> None: ...

    async def put_app(self, app: AppSpec) -> None:
        """Bring this revision up beside the running one, shift to it when it is ready, drain the others: Single mode.

        Raises RuntimeFailure("ContainerAppOperationError", ...) when it does not become ready; the old one serves on.
        """

    async def put_revision(self, app: AppSpec) -> None:
        """Begin to bring this revision up beside the others; it gets what traffic its app's shares give it.

        Returns at once: whether it becomes ready shows in `app_status`. It is tried again for ever until it is ended.
        """

    def end_revision(self, app: str, revision: str) -> None:
        """Take its traffic from a revision and drain it in the background. One that does not run is as good."""

    def restart_revision(self, app: str, revision: str) -> None:
        """Replace the replicas of an active revision by fresh ones; requests wait for them meanwhile."""

    def set_traffic(self, app: str, traffic: tuple[Share, ...]) -> None:
        """Split what arrives at the app's own name; holds for revisions that come later as well."""

    def set_domains(self, app: str, domains: tuple[CustomDomain, ...]) -> None:
        """The host names beside its own that an external app answers to; holds before the app runs as well."""

    def put_certificate(self, certificate: str, pem: str) -> None:
        """Serve this key and chain for what names `certificate` (an ARM id, lower-case): a domain or an environment.

        New connections get it at once, established ones go on. Raises ValueError when it is no key with its chain.
        """

    def delete_certificate(self, certificate: str) -> None: ...

    def set_challenge(self, host: str, token: str | None) -> None:
        """Show this token under `CHALLENGE` of a host name over plain HTTP, or (None) no longer."""

    async def delete_app(self, app: str) -> None: ...

    def app_status(self, app: str) -> AppStatus | None: ...

    def activity(self) -> list[Activity]:
        """What all apps did since this was last asked."""

    def tally(self, app: str) -> Tally | None:
        """What the app did by the minute, None when it does not run here."""

    def logs(self, app: str, replica: str | None, tail: int, follow: bool) -> AsyncIterator[bytes]:
        """Log lines of one replica, or of all replicas of the app (dead ones too), oldest first."""

    async def exec(self, app: str, replica: str, argv: Sequence[str]) -> Terminal:
        """Run a command inside a replica, on a terminal. Raises RuntimeFailure when it cannot be started."""

    def image_digest(self, reference: str) -> str | None:
        """The digest behind "<registry>/<repository>:<tag>" or "@sha256:...", None when there is no such image."""

    def registry_size(self, login_server: str) -> int:
        """Bytes that a registry's images take up, each layer counted once. Reads files: not for the event loop."""

    async def delete_registry(self, login_server: str) -> None: ...

    @property
    def ingress_url(self) -> str:
        """Where external apps answer on this machine, e.g. http://127.0.0.1:8400; it stays the same over restarts."""

    @property
    def ingress_tls_url(self) -> str:
        """Where they answer over TLS, by the host name that a client names (SNI)."""
