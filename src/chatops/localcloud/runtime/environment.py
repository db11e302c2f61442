"""What a replica finds in its environment: what Azure gives, the image's ENV, the app's own, and the rehearsal's few.

The rehearsal's own make Azure's names resolve on one machine without touching the app: HTTP_PROXY leads `http://<app>`
to the ingress, PGHOSTADDR and PGPORT lead libpq to the local server, whatever host name the app was given.
Nothing else of the operator's environment reaches a replica but PATH, the language, and how to reach and trust the
outside world (CA files, HTTPS_PROXY).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from .pgbinaries import HAS_TLS
from .spec import AppSpec

_FROM_OPERATOR = (
    *("LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("NODE_EXTRA_CA_CERTS", "HTTPS_PROXY", "https_proxy"),
)


@dataclass(frozen=True)
class Place:
    """Where one replica runs: its name and port, the folder it may call home, the proxy and the database port."""

    replica: str
    port: int
    home: str
    venv_bin: str
    proxy: str
    database_port: int | None


def replica_environment(app: AppSpec, configured: Mapping[str, str], place: Place) -> dict[str, str]:
    """All of it. `configured` is the image's ENV and the app's over it; the venv's programs come first in PATH."""
    env = {name: os.environ[name] for name in _FROM_OPERATOR if name in os.environ}
    env |= {"PATH": os.environ.get("PATH", os.defpath), "HOME": place.home} | dict(configured)
    env["PATH"] = f"{place.venv_bin}{os.pathsep}{env['PATH']}"
    return env | azure_variables(app, place.replica, place.port) | _rehearsal_variables(place)


def azure_variables(app: AppSpec, replica: str, port: int) -> dict[str, str]:
    """https://learn.microsoft.com/azure/container-apps/environment-variables#built-in-environment-variables"""
    suffix = (app.fqdn or "").removeprefix(f"{app.name}.").removeprefix("internal.")
    return {
        "CONTAINER_APP_NAME": app.name,
        "CONTAINER_APP_REVISION": app.revision,
        "CONTAINER_APP_REPLICA_NAME": replica,
        "CONTAINER_APP_HOSTNAME": f"{app.revision}.{suffix}",
        "CONTAINER_APP_ENV_DNS_SUFFIX": suffix,
        "CONTAINER_APP_PORT": str(port),
    }


def _rehearsal_variables(place: Place) -> dict[str, str]:
    env = {
        "HOST": "127.0.0.1",
        "HTTP_PROXY": place.proxy,
        "http_proxy": place.proxy,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
    if place.database_port is not None:
        env |= {"PGHOSTADDR": "127.0.0.1", "PGPORT": str(place.database_port)}
        env |= {} if HAS_TLS else {"PGSSLMODE": "disable"}
    return env


def database_of(env: Mapping[str, str], servers: Mapping[str, int]) -> int | None:
    """The port of the server that the app means: the one whose host name it was given, else the only one."""
    for name, port in servers.items():
        pattern = re.compile(rf"(?<![\w.-]){re.escape(name)}\.([\w-]+\.)*postgres\.database\.azure\.com", re.IGNORECASE)
        if any(pattern.search(value) for value in env.values()):
            return port
    return next(iter(servers.values())) if len(servers) == 1 else None


def relocated(values: Iterable[str], real: Callable[[str], str | None]) -> list[str]:
    """Words in which absolute paths of the image's files (alone or in a `:` list) became the real ones."""
    return [":".join(real(part) or part for part in value.split(":")) for value in values]


def without_values(text: str, env: Mapping[str, str]) -> str:
    """`text` in which the app's own settings, secrets among them, are replaced by their names."""
    for name, value in sorted(env.items(), key=lambda item: -len(item[1])):
        if len(value) >= 6:
            text = text.replace(value, f"${name}")
    return text
