"""`chatops pause` and `chatops resume`: stop the whole stack, and start it again. What it holds stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chatops.cli.book import book
from chatops.cli.options import ConfigFile, Output, OutputFormat, Yes
from chatops.cli.power import powers
from chatops.cli.running import latest, until_there
from chatops.cli.session import Session, confirm, open_session
from chatops.costing import Occasion, saved_by_pausing
from chatops.engine.plan import Plan, plan_up
from chatops.resources.power import RUNNING, SELF_START_DAYS, STOPPED


def pause(config: ConfigFile = None, yes: Yes = False, output: OutputFormat = Output.human) -> None:
    """Stop every app and the database, without losing anything: nobody can chat until `chatops resume`.

    What is stopped costs nothing; storage, the registry, the network and the vault go on costing what they do.
    """
    session = open_session(config, output)
    plan = _plan(session, STOPPED)
    if not plan.work:
        session.view.line(f"stack '{session.config.name}' is paused already")
        return
    session.view.plan(plan)
    confirm(f"Take stack '{session.config.name}' out of service until `chatops resume`?", yes)
    session.carry_out(plan)
    by_itself = f"{datetime.now(UTC) + timedelta(days=SELF_START_DAYS):%Y-%m-%d %H:%M} UTC"
    mind = f"Azure starts the database again by itself on {by_itself}, and bills it from then on"
    saves = _saves(session)
    session.view.record({"paused": session.config.name, "saves": saves, "back with": "chatops resume", "mind": mind})


def _saves(session: Session) -> str:
    occasion = Occasion(book())
    amount = saved_by_pausing(session.config, occasion)
    where = "" if session.target.billed else ", if it were on Azure"
    if amount is None:
        return f"nobody knows how much: prices in {session.config.location} are missing (chatops prices refresh)"
    return f"about {amount:.2f} {occasion.prices.currency} a day at the expected use{where}"


def resume(config: ConfigFile = None, output: OutputFormat = Output.human) -> None:
    """Start what `pause` stopped: the database, then the apps; return when they take requests."""
    session = open_session(config, output)
    plan = _plan(session, RUNNING)
    session.view.plan(plan)
    if plan.work:
        session.carry_out(plan)
    for app in (resource for resource in session.resources if resource.address.startswith("app/")):
        if observed := app.read(session.azure):
            body = observed.body
            least = body["properties"]["template"]["scale"].get("minReplicas") or 0
            until_there(session, body["name"], latest(body), least)
    if url := session.page_url():
        session.view.record({"page": url})


def _plan(session: Session, wanted: str) -> Plan:
    """Raises ChatopsError when there is nothing to stop or start."""
    wishes = powers(session.resources, wanted)
    observed = session.observe(wishes) if session.target.there else {}
    if not observed:
        raise session.not_up()
    return plan_up([wish for wish in wishes if wish.address in observed], observed)
