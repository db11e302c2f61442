"""`chatops up`: make the configuration true."""

from __future__ import annotations

from typing import Annotated

import typer

from chatops.cli.budget import require_budget
from chatops.cli.doctor import refuse_trouble, wanted_of
from chatops.cli.hosts import moved
from chatops.cli.images import require_builder
from chatops.cli.options import ConfigFile, Output, OutputFormat, Yes
from chatops.cli.rollouts import moved_ports
from chatops.cli.session import Session, confirm, open_session
from chatops.cost.change import Bill
from chatops.engine.plan import Action, Plan
from chatops.preflight.run import examine
from chatops.views.bill import in_a_sentence

OverBudget = Annotated[bool, typer.Option("--over-budget", help="Go on although the budget is expected to be passed.")]


def up(
    config: ConfigFile = None, over_budget: OverBudget = False, yes: Yes = False, output: OutputFormat = Output.human
) -> None:
    """Create or change whatever differs from the YAML file, then print where the page is.

    Running it again is safe: it reads what is there and does only what is missing.
    """
    session = open_session(config, output)
    plan = session.plan()
    for said in (*moved(plan), *moved_ports(plan)):
        session.view.note(said)
    bill = session.bill(plan)
    session.view.plan(plan, bill)
    if plan.work:
        if not over_budget:
            require_budget(session.config.budget, bill)
        if any(step.address.startswith("image/") for step in plan.work):
            require_builder(session)
        _preflight(session, plan)
        _ask(session, plan, bill, yes)
        session.carry_out(plan)
    if url := session.page_url():
        session.view.record({"page": url})


def _preflight(session: Session, plan: Plan) -> None:
    """Look for what would refuse the stack half-way, where something is to be made that was not made before."""
    creates = {step.address for step in plan.work if step.action is Action.CREATE}
    if "group" in creates or (creates and session.target.billed):
        found = examine(session.azure, wanted_of(session))
        for finding in found:
            if not finding.passed:
                session.view.note(f"{finding.check}: {finding.found}")
        refuse_trouble(found)


def _ask(session: Session, plan: Plan, bill: Bill, yes: bool) -> None:
    destroys = plan.count(Action.DELETE) + plan.count(Action.REPLACE)
    if destroys:
        cost = f" {in_a_sentence(bill)}." if session.target.billed else ""
        confirm(f"{destroys} of these deletes or replaces something.{cost} Go on?", yes)
    elif session.target.billed:
        where = f"subscription {session.azure.cloud.subscription}"
        confirm(f"{in_a_sentence(bill)}. Make these {len(plan.work)} changes in {where}?", yes)
