"""`chatops status`: what is there and how it is."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from chatops.azure.calls import calling
from chatops.cli.options import ConfigFile, Output, OutputFormat
from chatops.cli.session import Session, open_session
from chatops.engine.resource import Observed
from chatops.errors import ChatopsError
from chatops.views.protocol import AppStatus, StackStatus

WATCH_SECONDS = 2.0

Watch = Annotated[bool, typer.Option("-w", "--watch", help="Draw it again every two seconds, until Ctrl-C.")]


def status(config: ConfigFile = None, watch: Watch = False, output: OutputFormat = Output.human) -> None:
    """Show the stack: page, database, and per app its revision, replicas, restarts and health."""
    session = open_session(config, output)
    if not session.target.there:
        raise ChatopsError(f"stack '{session.config.name}' is not up", hint="chatops up")
    if watch:
        session.view.watch(lambda: collect(session), WATCH_SECONDS, time.sleep)
        return
    session.view.status(collect(session))


def collect(session: Session) -> StackStatus:
    """Read the stack's state, live."""
    shown = [
        r
        for r in session.resources
        if r.address in ("group", "postgres") or r.address.startswith(("app/", "environment"))
    ]
    observed = session.observe(shown)
    if "group" not in observed:
        raise ChatopsError(f"stack '{session.config.name}' is not up", hint="chatops up")
    names = [name for name in session.config.services if f"app/{name}" in observed]
    apps = tuple(_app(session, name, observed[f"app/{name}"].body) for name in names)
    missing = sorted(set(session.config.services) - set(names))
    return StackStatus(
        stack=session.config.name,
        target=session.azure.cloud.name,
        location=session.config.location,
        url=next((app.url for app in apps if app.url), None),
        database=_database(observed.get("postgres")),
        apps=apps,
        notes=tuple(f"{name} is not there: chatops up" for name in missing),
    )


def _database(observed: Observed | None) -> str:
    if observed is None:
        return "none"
    properties = observed.body["properties"]
    asked, minor = str(properties.get("version")), str(properties.get("minorVersion") or "")
    # Azure names the minor version alone; a local server of another major says its whole version there
    running = minor if "." in minor else ".".join(part for part in (asked, minor) if part)
    wanted = "" if running.split(".")[0] == asked else f" (the file asks for {asked})"
    return f"PostgreSQL {running}{wanted}, {properties.get('state')}"


def _app(session: Session, name: str, body: dict[str, Any]) -> AppStatus:
    properties = body["properties"]
    template, revision = properties["template"], properties.get("latestRevisionName") or ""
    containers = _containers(session, name, revision) if revision else []
    ingress = properties["configuration"].get("ingress") or {}
    external = ingress.get("external") and ingress.get("fqdn")
    return AppStatus(
        name=name,
        state=_state(properties, containers),
        revision=revision,
        image=str(template["containers"][0]["image"]).rsplit("/", 1)[-1].replace("sha256:", "")[:24],
        replicas=len(containers),
        ready=sum(bool(container.ready) for container in containers),
        minimum=template["scale"].get("minReplicas") or 0,
        maximum=template["scale"].get("maxReplicas") or 0,
        restarts=sum(container.restart_count or 0 for container in containers),
        url=session.azure.cloud.page_url(ingress["fqdn"]) if external else None,
    )


def _state(properties: dict[str, Any], containers: list[Any]) -> str:
    if properties.get("provisioningState") != "Succeeded":
        return str(properties.get("provisioningState"))
    if not containers:
        return "Sleeping"
    return "Running" if any(container.ready for container in containers) else "NotReady"


def _containers(session: Session, name: str, revision: str) -> list[Any]:
    with calling("listing replicas of", f"container app '{name}'"):
        replicas = session.azure.container_apps.container_apps_revision_replicas
        listed = replicas.list_replicas(session.names.group, name, revision).value
    return [
        container
        for replica in listed
        for container in (replica.properties.containers if replica.properties else None) or []
    ]
