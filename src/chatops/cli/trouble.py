"""The local cloud's desk for time and trouble, spoken to over HTTPS like everything else of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from chatops.azure.cloud import local
from chatops.cli import daemon, places
from chatops.errors import ChatopsError, NotReachable, UsageError

TIMEOUT = 10


class Latency(StrEnum):
    """Where durations come from."""

    none = "none"
    recorded = "recorded"


def ordered() -> dict[str, Any]:
    """Return what is ordered: `latency`, `speed`, `faults`, `throttle` and `role_delay`."""
    return _ask("GET", "trouble")


def order(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Change what is named in `wanted`; `faults` are added. Raises UsageError for what cannot be."""
    return _ask("PATCH", "trouble", wanted)


def clear() -> dict[str, Any]:
    """Take all faults away."""
    return _ask("DELETE", "trouble")


def advance(seconds: float) -> dict[str, Any]:
    """Put the local cloud's clock ahead."""
    return _ask("PUT", "clock", {"advance": seconds})


def delegate(places: Mapping[str, str]) -> None:
    """Tell the local cloud where domains are delegated to: a zone file or host:port; "" takes a delegation back."""
    settings = _ask("GET", "settings")
    delegations = {**settings["delegations"], **places}
    kept = {domain: place for domain, place in sorted(delegations.items()) if place}
    _ask("PUT", "settings", {**settings, "delegations": kept})


def delegated() -> dict[str, str]:
    """Return which domains are delegated elsewhere, and where."""
    found: dict[str, str] = _ask("GET", "settings")["delegations"]
    return found


def _ask(method: str, what: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    import requests

    if daemon.endpoint() is None:
        raise ChatopsError("the local cloud is not running", hint="chatops cloud start")
    cloud = local(daemon.endpoint_file())
    headers = {"Authorization": f"Bearer {cloud.credential.get_token(cloud.scope).token}"}
    url = f"{cloud.arm}/_local/{what}"
    try:
        answer = requests.request(method, url, json=body, headers=headers, verify=cloud.ca_file, timeout=TIMEOUT)
        found: dict[str, Any] = answer.json()
        if answer.status_code == 400:
            raise UsageError(found["error"]["message"])
        answer.raise_for_status()
    except requests.RequestException as error:
        hint = f"see its log: {places.logs()}/daemon.log"
        raise NotReachable("asking the local cloud", f"no answer ({type(error).__name__})", hint=hint) from error
    return found
