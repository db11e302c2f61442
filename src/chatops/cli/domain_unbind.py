"""`chatops domain unbind`: everything that `bind` made for a host name is taken away again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chatops.cli import hosts
from chatops.cli.options import ConfigFile, Output, OutputFormat, Yes
from chatops.cli.session import Session, confirm, open_session
from chatops.config.load import discover
from chatops.config.rehost import unbound
from chatops.engine.plan import Plan, plan_down

HostName = Annotated[str, typer.Argument(help="The host name, as in chat.example.org.")]


def unbind(host: HostName, config: ConfigFile = None, yes: Yes = False, output: OutputFormat = Output.human) -> None:
    """Take a host name off its app: binding, certificate, name, the records in Azure DNS, the line in the YAML file.

    Records that somebody typed elsewhere are left alone, and named.
    """
    session, name = open_session(config, output), hosts.name_of(host)
    if session.target.there:
        plan = _plan(hosts.with_name(session, name), name)
        if not plan.steps and name not in session.config.domain:
            session.view.line(f"{name} is bound to nothing here")
            return
        session.view.plan(plan)
        if plan.work:
            confirm(f"Take {name} off, so that nobody reaches the app by it?", yes)
            session.carry_out(plan)
    path = discover(config, Path.cwd())
    if name in session.config.domain:
        draft = unbound(path, name)
        draft.write()
        session.view.note(f"{path} no longer has {name}")


def _plan(session: Session, name: str) -> Plan:
    addresses = hosts.addresses_of(session, name)
    observed = session.observe([resource for resource in session.resources if resource.address in addresses])
    return plan_down(session.resources, observed)
