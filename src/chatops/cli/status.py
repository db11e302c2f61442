"""`chatops status`: what is there and how it is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import typer

from chatops.cli.activity import Activity, activity_of
from chatops.cli.hosts import standing
from chatops.cli.options import ConfigFile, Output, OutputFormat
from chatops.cli.power import PAUSED, any_stopped
from chatops.cli.running import Replicas, latest, replicas_of
from chatops.cli.session import Session, open_session
from chatops.engine.resource import Observed
from chatops.errors import CloudError
from chatops.resources.app import ContainerApp
from chatops.resources.power import STOPPED, power_of
from chatops.views.protocol import AppStatus, StackStatus

WATCH_SECONDS = 2.0
READERS = 8
RUNTIMES = {
    "docker": "Docker containers, held to their cpu and memory",
    "process": "processes: cpu and memory are not enforced",
}
"""What the local cloud's replicas are, by the scheme of their ids; Azure's own are not worth a line."""

Watch = Annotated[bool, typer.Option("-w", "--watch", help="Draw it again every two seconds, until Ctrl-C.")]


def status(config: ConfigFile = None, watch: Watch = False, output: OutputFormat = Output.human) -> None:
    """Show the stack: page, database, and per app its revision, image, replicas, how busy it is, and its health."""
    session = open_session(config, output)
    session.require_up()
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
        raise session.not_up()
    bodies = {name: observed[f"app/{name}"].body for name in session.config.services if f"app/{name}" in observed}
    with ThreadPoolExecutor(READERS, thread_name_prefix="status") as pool:
        apps = tuple(pool.map(lambda name: _app(session, name, bodies[name]), bodies))
    return StackStatus(
        stack=session.config.name,
        target=session.azure.cloud.name,
        location=session.config.location,
        url=next((app.url for app in apps if app.url), None),
        database=_database(observed.get("postgres")),
        apps=apps,
        notes=tuple(_notes(session, observed, apps)),
        runtime=next((RUNTIMES[app.kind] for app in apps if app.kind in RUNTIMES), None),
    )


def _notes(session: Session, observed: Mapping[str, Observed], apps: Sequence[AppStatus]) -> Iterator[str]:
    if any_stopped(observed):
        yield f"{PAUSED}: chatops resume"
    for app in apps:
        if app.reason:
            yield f"{app.name}: {app.reason}"
    for name in sorted(set(session.config.services) - {app.name for app in apps}):
        yield f"{name} is not there: chatops up"
    yield from (standing(session, name) for name in session.config.domain)
    if any(app.in_flight is None for app in apps):
        yield "Azure Monitor does not say how busy the apps are: does your role cover Microsoft.Insights/metrics/read?"
    elif apps:
        yield "in flight: mean of the last minute that Azure Monitor has counted; cold starts: of the last day"


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
    template, revision = properties["template"], latest(body)
    replicas, busy = replicas_of(session, name, revision), _activity(session, body)
    ingress = properties["configuration"].get("ingress") or {}
    external = ingress.get("external") and ingress.get("fqdn")
    return AppStatus(
        name=name,
        state=_state(body, replicas),
        health=_health(session, f"{body['id']}/revisions/{revision}") if revision else "None",
        revision=revision,
        image=_short(str(template["containers"][0]["image"])),
        replicas=replicas.there,
        ready=replicas.ready,
        minimum=template["scale"].get("minReplicas") or 0,
        maximum=template["scale"].get("maxReplicas") or 0,
        in_flight=round(busy.in_flight, 1) if busy else None,
        restarts=replicas.restarts,
        cold_starts=busy.cold_starts if busy else None,
        url=session.azure.cloud.page_url(ingress["fqdn"]) if external else None,
        kind=replicas.kind,
        reason=replicas.reason,
    )


def _activity(session: Session, body: dict[str, Any]) -> Activity | None:
    try:
        return activity_of(session.azure, body["id"])
    except CloudError:
        return None


def _state(body: dict[str, Any], replicas: Replicas) -> str:
    state = str(body["properties"].get("provisioningState"))
    if state != "Succeeded":
        return state
    if power_of(body) == STOPPED:
        return STOPPED
    if not replicas.there:
        return "Sleeping"
    return "Running" if replicas.ready else "NotReady"


def _health(session: Session, revision_id: str) -> str:
    """What Azure says of the revision's health: Healthy, Unhealthy or None."""
    found = session.azure.read(revision_id, ContainerApp.api_version)
    return str(found["properties"].get("healthState")) if found else "None"


def _short(image: str) -> str:
    """Repository and the first twelve digits of the digest."""
    name, _, digest = image.rsplit("/", 1)[-1].partition("@sha256:")
    return f"{name}@{digest[:12]}" if digest else name
