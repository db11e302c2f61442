"""What really runs of a container app, read live: its replicas, and waiting until enough of them are there."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import calling
from chatops.azure.limits import at_most
from chatops.cli.session import Session
from chatops.cli.signals import stopping_on_signals
from chatops.engine.resource import Json
from chatops.errors import ChatopsError, Interrupted, OperationFailed
from chatops.resources.power import STOPPED, power_of

PATIENCE = 600.0
"""Seconds that new replicas may take; a replica with a large image or model may need minutes."""


@dataclass(frozen=True)
class Replicas:
    """The replicas of one revision: how many there are, how many take requests, how often they were restarted.

    `kind` is what they are (docker, process, ...), `reason` why one of them ended the last time or does not start.
    """

    revision: str
    there: int
    ready: int
    restarts: int
    kind: str = ""
    reason: str | None = None

    def __str__(self) -> str:
        return f"{self.ready}/{self.there} ready"


def replicas_of(session: Session, name: str, revision: str) -> Replicas:
    """Count what runs of one revision."""
    containers = _containers(session, name, revision) if revision else []
    ready = sum(bool(container.ready) for container in containers)
    troubled = [container for container in containers if container.restart_count or not ready]
    return Replicas(
        revision,
        there=len(containers),
        ready=ready,
        restarts=sum(container.restart_count or 0 for container in containers),
        kind=next((str(one.container_id).partition("://")[0] for one in containers if one.container_id), ""),
        reason=next((one.running_state_details for one in troubled if one.running_state_details), None),
    )


def _containers(session: Session, name: str, revision: str) -> list[Any]:
    with calling("listing replicas of", f"container app '{name}'"):
        listed = session.azure.container_apps.container_apps_revision_replicas.list_replicas(
            session.names.group, name, revision
        ).value
    return [
        container
        for replica in listed
        for container in (replica.properties.containers if replica.properties else None) or []
    ]


def latest(app: Json) -> str:
    """The newest revision of an app, by its body."""
    return app["properties"].get("latestRevisionName") or ""


def until_there(session: Session, name: str, revision: str, least: int) -> Replicas:
    """Wait until `least` replicas of a revision take requests.

    Raises OperationFailed after ten minutes, Interrupted when the operator does not want to wait.
    """
    limit = at_most(PATIENCE)
    deadline = time.monotonic() + limit
    stop = session.azure.stop
    with stopping_on_signals(stop):
        while (found := replicas_of(session, name, revision)).ready < least:
            if stop.wait(session.azure.cloud.poll_seconds):
                raise Interrupted("stopped waiting for the replicas; Azure goes on", hint="chatops status --watch")
            if time.monotonic() > deadline:
                what, why = f"waiting for {least} replicas of container app '{name}'", f"{found} after {limit:.0f} s"
                raise OperationFailed(what, why, hint=f"chatops logs {name}")
    return found


def require_app(session: Session, name: str, app: Json | None) -> Json:
    """Return the app's body. Raises ChatopsError when there is none, or when it was stopped."""
    if app is None:
        raise session.not_up(f"'{name}'")
    if power_of(app) == STOPPED:
        raise ChatopsError(f"'{name}' of stack '{session.config.name}' is paused", hint="chatops resume")
    return app
