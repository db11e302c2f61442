"""`chatops down`: delete the stack, and nothing that is not the stack's."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from chatops.cli.conversations import Held, held_conversations, new_file
from chatops.cli.options import ConfigFile, Output, OutputFormat, Yes
from chatops.cli.session import Session, confirm, open_session
from chatops.engine.plan import Plan, plan_down
from chatops.errors import ChatopsError, Interrupted
from chatops.resources import ContainerRegistry, PostgresServer

Discard = Annotated[bool, typer.Option("--discard", help="Delete the conversations without saving them.")]


def down(
    config: ConfigFile = None, yes: Yes = False, discard: Discard = False, output: OutputFormat = Output.human
) -> None:
    """Delete everything of the stack. Its conversations are saved first: in a file in the current folder, mode 0600.

    Resources of others in the group are kept. On the local cloud nothing is left but logs and caches: no process, no
    port, no state. What visitors write while it is being deleted is not saved. `chatops conversations import` takes
    such a file into another database.
    """
    session = open_session(config, output)
    if not session.target.there:
        session.view.line(f"nothing to take down: there is no stack '{session.config.name}'")
        return
    plan = _plan(session)
    if plan.work:
        session.view.plan(plan, session.bill(plan))
        everything = f"Delete these {len(plan.work)}"
        if discard:
            confirm(f"{everything}, and every conversation in the database?", yes)
        else:
            _save(session, _held(session, plan), everything, yes)
        session.carry_out(plan)
        _check_leftovers(session)
        _forget_images(session)
    else:
        session.view.line(f"nothing to take down: there is no stack '{session.config.name}'")
    session.target.leave(session.azure, session.view.note)


def _held(session: Session, plan: Plan) -> Held | None:
    """The conversations that the plan would delete. Raises ChatopsError when they cannot be asked for."""
    if not any(isinstance(step.resource, PostgresServer) for step in plan.work):
        return None
    try:
        return held_conversations(session)
    except ChatopsError as error:
        raise _unsaved(error) from error


def _save(session: Session, held: Held | None, question: str, yes: bool) -> None:
    """Ask, and save what there is. Raises ChatopsError or Interrupted while nothing is deleted yet."""
    if held is None or not held.counts.chats:
        without = "no conversations are saved: database and db-api are not both there"
        session.view.line("no conversations to save" if held else without)
        confirm(f"{question}?", yes)
        return
    file = new_file(session)
    session.view.line(f"{held.counts} will be saved first, in {file}")
    confirm(f"{question}, once {held.counts} are saved in {file.name}?", yes)
    try:
        session.view.record(held.save(file))
    except Interrupted as error:
        raise Interrupted(f"{error.message}, and nothing was deleted") from error
    except ChatopsError as error:
        raise _unsaved(error) from error


def _unsaved(error: ChatopsError) -> ChatopsError:
    unless = "chatops down --discard deletes them unsaved"
    hint = f"{error.hint}; or {unless}" if error.hint else f"the same command tries again; {unless}"
    return ChatopsError(f"nothing was deleted: the conversations cannot be saved: {error.message}", hint)


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
