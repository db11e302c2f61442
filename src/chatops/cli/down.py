"""`chatops down`: delete the stack, and nothing that is not the stack's."""

from __future__ import annotations

from dataclasses import replace

from chatops.cli.options import ConfigFile, Output, OutputFormat, Yes
from chatops.cli.session import Session, confirm, open_session
from chatops.engine.plan import Plan, plan_down
from chatops.errors import ChatopsError
from chatops.resources import ContainerRegistry


def down(config: ConfigFile = None, yes: Yes = False, output: OutputFormat = Output.human) -> None:
    """Delete everything of the stack, its conversations included. Resources of others in the group are kept.

    On the local cloud nothing is left but logs and caches: no process, no port, no state.
    """
    session = open_session(config, output)
    if not session.target.there:
        session.view.line(f"nothing to take down: there is no stack '{session.config.name}'")
        return
    plan = _plan(session)
    if plan.work:
        session.view.plan(plan, session.bill(plan))
        confirm(f"Delete these {len(plan.work)}, and every conversation in the database?", yes)
        session.carry_out(plan)
        _check_leftovers(session)
        _forget_images(session)
    else:
        session.view.line(f"nothing to take down: there is no stack '{session.config.name}'")
    session.target.leave(session.azure, session.view.note)


def _forget_images(session: Session) -> None:
    """Leave nothing in the Docker engine under the name of the registry that is gone."""
    registry = next(resource for resource in session.nameable if isinstance(resource, ContainerRegistry))
    try:
        session.workshop.choice.builder.forget(session.azure, registry.name)
    except ChatopsError as error:
        session.view.note(str(error))


def _plan(session: Session) -> Plan:
    observed = session.observe(session.resources)
    if "group" not in observed:
        return Plan(())
    orphans, foreign = session.others()
    observed.update(session.observe(orphans))
    plan = plan_down([*orphans, *session.resources], observed, keep=("group",) if foreign else ())
    return replace(plan, kept=(*plan.kept, *foreign))


def _check_leftovers(session: Session) -> None:
    left = [step.resource.label for step in _plan(session).work]
    if left:
        raise ChatopsError(f"{len(left)} left: {', '.join(left)}", hint="chatops down again")
    session.view.line("0 leftovers")
