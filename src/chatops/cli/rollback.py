"""`chatops rollback`: give a service's users back what they had before."""

from __future__ import annotations

from typing import Annotated

import typer

from chatops.cli.options import ConfigFile, Output, OutputFormat, Yes
from chatops.cli.rollouts import apps_of, chosen, digest_of, since
from chatops.cli.session import Session, confirm, open_session
from chatops.engine.plan import Plan, decide
from chatops.engine.resource import Known
from chatops.errors import ChatopsError, UsageError
from chatops.resources.app import ContainerApp
from chatops.resources.serving import Serving
from chatops.rollout.revisions import Revision
from chatops.rollout.rollout import look
from chatops.rollout.standing import last_good

Service = Annotated[
    str | None, typer.Argument(help="The service. Default: the only one that has another revision to go back to.")
]
To = Annotated[
    str | None, typer.Option("--to", help="The revision, as `chatops revisions` names it. Default: the last good one.")
]


def rollback(
    service: Service = None,
    to: To = None,
    config: ConfigFile = None,
    yes: Yes = False,
    output: OutputFormat = Output.human,
) -> None:
    """Give all traffic back to the last good revision, or to one that you name.

    What serves now serves until the other is ready. The YAML file is left alone: the next `up` deploys it again.
    """
    session = open_session(config, output)
    app, target = _target(session, service, to)
    wanted = Serving.of(app, target.name)
    plan = Plan((decide(wanted, wanted.read(session.azure), Known({})),))
    session.view.plan(plan)
    if plan.work:
        if session.target.billed:
            confirm(f"Give the traffic of '{app.name}' back to {target.name}?", yes)
        session.carry_out(plan)
    session.view.note(_next_up(session, app, target))


def _target(session: Session, service: str | None, to: str | None) -> tuple[ContainerApp, Revision]:
    if service is None and to is not None:
        service = next((name for name in session.config.services if to.startswith(f"{name}--")), None)
        if service is None:
            raise UsageError(f"no service of this stack has a revision '{to}'", hint="chatops revisions")
    apps = apps_of(session, chosen(session, [service] if service else []))
    if to is not None:
        return apps[0], _named(session, apps[0], to)
    found = [(app, back) for app in apps if (back := _back(session, app))]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(app.name for app, _ in found)
        raise UsageError(f"which service? {names} each have a revision to go back to", hint="chatops rollback SERVICE")
    what = f"'{service}' has" if service else "no service has"
    raise ChatopsError(f"{what} no earlier good revision to go back to", hint="chatops revisions")


def _back(session: Session, app: ContainerApp) -> Revision | None:
    body, now = look(session.azure, app.place)
    return last_good(body, app.place.revisions(session.azure), now)


def _named(session: Session, app: ContainerApp, name: str) -> Revision:
    known = {one.name: one for one in app.place.revisions(session.azure)}
    if name not in known:
        raise UsageError(f"'{app.name}' has no revision '{name}'", hint=f"it has: {', '.join(known)}")
    return known[name]


def _next_up(session: Session, app: ContainerApp, target: Revision) -> str:
    """What the next `up` will make of this."""
    steps = {step.address: step for step in session.plan().steps}
    step = steps[app.address]
    about = f"{app.name} serves {target.name} (image {digest_of(target.image)}, since {since(target.created)})"
    if not step.changes:
        return f"{about}; the YAML file asks for the same, so the next `chatops up` leaves it"
    fields = ", ".join(change.path.removeprefix("properties.template.containers") for change in step.changes)
    return f"{about}; the YAML file asks for something else: the next `chatops up` deploys that again ({fields})"
