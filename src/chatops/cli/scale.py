"""`chatops scale`: another size for one service, in the YAML file and where it runs, by one write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer

from chatops.cli.options import ConfigFile, Output, OutputFormat, Yes
from chatops.cli.running import latest, replicas_of, require_app, until_there
from chatops.cli.session import Session, confirm, session_on
from chatops.config.draft import Draft
from chatops.config.edit import Value
from chatops.config.load import discover, discover_own
from chatops.config.resize import resized
from chatops.engine.plan import Plan, decide
from chatops.engine.resource import Json, Known
from chatops.errors import ChatopsError, Interrupted, UsageError
from chatops.resources.app import ContainerApp
from chatops.resources.size import AppSize

Service = Annotated[str, typer.Argument(help="The service, as the YAML file names it.")]
Max = Annotated[int | None, typer.Option("--max", help="Replicas at most.")]
Min = Annotated[int | None, typer.Option("--min", help="Replicas that always run; 0 lets the service sleep.")]
Concurrency = Annotated[int | None, typer.Option(help="Requests at a time that one replica takes.")]
Cpu = Annotated[float | None, typer.Option(help="vCPU of one replica; goes with --memory.")]
Memory = Annotated[str | None, typer.Option(help="Memory of one replica, like 4Gi.")]
Profile = Annotated[str | None, typer.Option(help="Workload profile that it runs on; one that the environment has.")]
Temporary = Annotated[bool, typer.Option("--temporary", help="Leave the YAML file alone; the next `up` undoes it.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Don't wait for the replicas.")]

WITHOUT_A_FILE = "`chatops init` writes one; --temporary does without, and the next `up` undoes it"


def scale(
    service: Service,
    at_most: Max = None,
    at_least: Min = None,
    concurrency: Concurrency = None,
    cpu: Cpu = None,
    memory: Memory = None,
    profile: Profile = None,
    temporary: Temporary = False,
    config: ConfigFile = None,
    yes: Yes = False,
    no_wait: NoWait = False,
    output: OutputFormat = Output.human,
) -> None:
    """Give a service other bounds or another size: change it in the YAML file, apply it, wait for the replicas.

    The file keeps its comments and its order; only the values change. Nothing is written when the plan is refused.
    """
    sizes = {"cpu": cpu, "memory": memory, "profile": profile}
    options = {"max": at_most, "min": at_least, "concurrency": concurrency, **sizes}
    wanted: dict[str, Value] = {name: value for name, value in options.items() if value is not None}
    if not wanted:
        raise UsageError(f"nothing to change: say what of '{service}'", hint=f"one or more of --{', --'.join(options)}")
    path = discover(config, Path.cwd()) if temporary else discover_own(config, Path.cwd(), WITHOUT_A_FILE)
    draft = resized(path, service, wanted)
    session = session_on(draft.config, path, output)
    app = session.app(service)
    plan, before = _plan(session, app, frozenset(wanted) if temporary else None)
    if profile:
        _check_profile(session, profile)
    session.view.plan(plan, session.bill(plan, part=True))
    if plan.work and session.target.billed:
        confirm(f"Change container app '{service}' in subscription {session.azure.cloud.subscription}?", yes)
    with _kept(session, draft, temporary):
        if plan.work:
            session.carry_out(plan)
    _show(session, app, before, wait=not no_wait)
    if temporary:
        session.view.note(f"{path} is as it was: the next `chatops up` undoes this")


def _check_profile(session: Session, profile: str) -> None:
    """Raises UsageError when the environment has no such workload profile."""
    environment = session.environment() or {"properties": {}}
    profiles = environment["properties"].get("workloadProfiles")
    known = [str(one["name"]) for one in profiles or []]
    if profile not in known:
        close = get_close_matches(profile, known, n=1)
        hint = f"did you mean {close[0]}?" if close else "az containerapp env workload-profile add"
        raise UsageError(f"--profile {profile}: the environment has only {', '.join(known)}", hint=hint)


def _plan(session: Session, app: ContainerApp, only: frozenset[str] | None) -> tuple[Plan, Json]:
    """The plan, and how the app was before it."""
    observed = app.read(session.azure) if session.target.there else None
    body = require_app(session, app.name, observed.body if observed else None)
    return Plan((decide(AppSize.of(app, only), observed, Known({})),)), _size(session, body)


def _size(session: Session, body: Json) -> Json:
    template = body["properties"]["template"]
    scale, resources = template["scale"], template["containers"][0]["resources"]
    metadata: list[Any] = [rule.get("http", {}).get("metadata", {}) for rule in scale.get("rules") or []]
    revision = latest(body)
    return {
        "replicas": str(replicas_of(session, body["name"], revision)),
        "min": scale.get("minReplicas") or 0,
        "max": scale.get("maxReplicas"),
        "concurrency": next((found["concurrentRequests"] for found in metadata if "concurrentRequests" in found), None),
        "cpu": resources["cpu"],
        "memory": resources["memory"],
        "profile": body["properties"].get("workloadProfileName"),
        "revision": revision,
    }


@contextmanager
def _kept(session: Session, draft: Draft, temporary: bool) -> Iterator[None]:
    """Write the YAML file first, so that a run that is killed is finished by `up`; take it back when Azure refuses."""
    if temporary or not draft.differs:
        yield
        return
    draft.write()
    try:
        yield
    except Interrupted:
        session.view.note(f"{draft.path} says so already: the operation goes on, and `chatops up` finishes it")
        raise
    except (typer.Exit, ChatopsError):
        draft.take_back()
        session.view.note(f"{draft.path} is as it was; `chatops plan` shows where the app differs from it")
        raise
    session.view.note(f"{draft.path} says so too")


def _show(session: Session, app: ContainerApp, before: Json, *, wait: bool) -> None:
    observed = app.read(session.azure)
    body = require_app(session, app.name, observed.body if observed else None)
    if wait:
        until_there(session, app.name, latest(body), body["properties"]["template"]["scale"].get("minReplicas") or 0)
    session.view.change(app.name, before, _size(session, body))
