"""`chatops deploy`: build what changed and give it to its users, but not before it has proved itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import typer

from chatops.cli.options import ConfigFile, Output, OutputFormat, Yes
from chatops.cli.proofs import with_proofs
from chatops.cli.rollouts import apps_of, chosen, moved_ports
from chatops.cli.session import Session, confirm, open_session
from chatops.engine.plan import Plan, plan_up
from chatops.engine.resource import Resource
from chatops.errors import UsageError
from chatops.resources.image import Image
from chatops.rollout.shift import ALL_AT_ONCE, Shift

Services = Annotated[list[str] | None, typer.Argument(help="Services, as the YAML file names them. Default: all.")]
Canary = Annotated[
    str | None, typer.Option(help="Percent of the traffic, step by step, like 10,50,100. Default: all at once.")
]
FOR_EXAMPLE = "for example: --canary 10,50,100"
Pause = Annotated[int, typer.Option(min=1, max=86400, help="Seconds between two steps of --canary.")]


def deploy(
    services: Services = None,
    canary: Canary = None,
    pause: Pause = 180,
    config: ConfigFile = None,
    yes: Yes = False,
    output: OutputFormat = Output.human,
) -> None:
    """Build what changed, bring it up without traffic, prove it, then move the traffic to it.

    A new revision must be ready, answer its health endpoint, and pass a smoke test inside. One that fails gets no
    traffic and is ended; what served before serves all the while.
    """
    how = Shift(weights_of(canary), float(pause))
    session = open_session(config, output)
    wanted = chosen(session, services or ())
    plan = _plan(session, wanted, how)
    for said in moved_ports(plan):
        session.view.note(said)
    session.view.plan(plan)
    if plan.work:
        if session.target.billed:
            confirm(f"Make these {len(plan.work)} changes in subscription {session.azure.cloud.subscription}?", yes)
        session.carry_out(plan)


def _plan(session: Session, services: Sequence[str], how: Shift) -> Plan:
    """Images and apps of these services, and nothing else of the stack."""
    apps = [replace(app, shift=how) for app in apps_of(session, services)]
    needed = {need for app in apps for need in app.needs}
    images = [replace(one, needs=()) for one in session.resources if isinstance(one, Image) and one.address in needed]
    built = {image.address for image in images}
    alone = [replace(app, needs=tuple(need for need in app.needs if need in built)) for app in apps]
    resources: list[Resource[Any]] = [*images, *alone]
    return with_proofs(plan_up(resources, session.observe(resources)), session.config)


def weights_of(canary: str | None) -> tuple[int, ...]:
    """Percentages that rise and end at 100. Raises UsageError for anything else."""
    if canary is None:
        return ALL_AT_ONCE
    parts = [part.strip() for part in canary.split(",")]
    weights = tuple(int(part) for part in parts if part.isdecimal())
    if len(weights) != len(parts) or not all(0 < weight <= 100 for weight in weights):
        raise UsageError(f"--canary {canary}: whole percentages are expected", hint=FOR_EXAMPLE)
    if list(weights) != sorted(set(weights)):
        raise UsageError(f"--canary {canary}: each step must be more than the one before", hint=FOR_EXAMPLE)
    return weights if weights[-1] == 100 else (*weights, 100)
