"""`chatops domain bind`: a host name of one's own on a service, with TLS, from whatever state it is in."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from chatops.cli import hosts
from chatops.cli.options import ConfigFile, Output, OutputFormat, Yes
from chatops.cli.session import Session, confirm, session_on
from chatops.config.draft import Draft
from chatops.config.edit import Value
from chatops.config.load import discover_own, load
from chatops.config.rehost import bound
from chatops.domain.hostname import spelled
from chatops.domain.own import PASSWORD
from chatops.engine.plan import Action, Plan
from chatops.errors import ChatopsError
from chatops.resources.registrar_record import RegistrarRecord

TIMEOUT = 3600.0
IN_THE_WAY = ("no-app", "not-external", "bound-elsewhere", "no-such-domain")
"""Findings that neither waiting nor this command mends."""

HostName = Annotated[str, typer.Argument(help="The host name, as in chat.example.org.")]
Service = Annotated[str | None, typer.Option(help="The service that it leads to. Default: ui.")]
Zone = Annotated[str | None, typer.Option(help="Its zone in Azure DNS. Default: the one of yours that it lies in.")]
ZoneGroup = Annotated[str | None, typer.Option("--zone-group", help="Resource group of that zone, if it is there.")]
Certificate = Annotated[Path | None, typer.Option(help="A certificate of your own: a .pfx or .pem file with its key.")]
KeyVault = Annotated[str | None, typer.Option(help="URL of a Key Vault secret that holds the certificate.")]
Timeout = Annotated[float, typer.Option(min=0, help="Seconds to wait for records that somebody has to type.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Show those records and return; run it again to go on.")]


def bind(
    host: HostName,
    service: Service = None,
    zone: Zone = None,
    zone_group: ZoneGroup = None,
    certificate: Certificate = None,
    key_vault: KeyVault = None,
    timeout: Timeout = TIMEOUT,
    no_wait: NoWait = False,
    config: ConfigFile = None,
    yes: Yes = False,
    output: OutputFormat = Output.human,
) -> None:
    """Bind a host name: its DNS records, the name on the app, a certificate, TLS. Interrupted, it goes on from there.

    In a zone of Azure DNS the records are made. Elsewhere they are shown, then watched until they are right.
    The YAML file gets the domain as well, so that `up` keeps it.
    """
    path = discover_own(config, Path.cwd(), "`chatops init` writes one; then the same command again")
    asked = {"service": service, "zone": zone, "zone_resource_group": zone_group, "certificate": key_vault}
    asked |= {"certificate": _beside(certificate, path)} if certificate else {}
    name = hosts.name_of(host, managed=not asked["certificate"])
    session, draft = _drafted(path, name, {key: value for key, value in asked.items() if value}, output)
    _refuse_the_hopeless(session, name)
    session = replace(session, dns_seconds=0.0 if no_wait else timeout)
    plan = hosts.plan_for(session, name)
    missing = [step.resource.label for step in plan.work if isinstance(step.resource, RegistrarRecord)]
    if missing:
        _show_records(session, name)
    if missing and no_wait:
        _keep(session, draft, name)
        session.view.record({"domain": spelled(name), "waits for": ", ".join(missing)})
        return
    session.view.plan(plan)
    _ask(session, plan, yes)
    _keep(session, draft, name)
    if plan.work:
        session.carry_out(plan)
    _show_page(session, name)


def _beside(certificate: Path, path: Path) -> str:
    """Return the file's path as the YAML file takes it: from its own folder, if it lies in there."""
    found, folder = certificate.absolute(), path.absolute().parent
    return str(found.relative_to(folder) if found.is_relative_to(folder) else found)


def _drafted(path: Path, name: str, asked: Mapping[str, Value], output: Output) -> tuple[Session, Draft]:
    """Draft the file with what was asked for, and with what Azure and DNS say about where the name lies."""
    new = name not in load(path).domain
    draft = bound(path, name, {"service": "ui", **asked} if new else asked)
    session = session_on(draft.config, path, output)
    session.require_up()
    _unlock(draft.config.domain[name].certificate)
    if new and "zone" not in asked:
        asked = {**asked, **hosts.zone_around(session, name)}
    if new and "zone" not in asked:
        look = hosts.look_at(session, name)
        asked = {**asked, **({"apex": look.seen.apex} if look.seen.apex != look.host.apex else {})}
    draft = bound(path, name, {"service": "ui", **asked} if new else asked)
    return replace(session, config=draft.config), draft


def _unlock(certificate: str) -> None:
    """Ask for the password of a certificate's file where one is needed; nobody passes it as an argument."""
    if not certificate.lower().endswith((".pfx", ".p12")) or PASSWORD in os.environ or not sys.stdin.isatty():
        return
    os.environ[PASSWORD] = typer.prompt(f"Password of {Path(certificate).name}", hide_input=True, default="", err=True)


def _refuse_the_hopeless(session: Session, name: str) -> None:
    finding = hosts.look_at(session, name).finding
    if finding and finding.code in IN_THE_WAY and not (session.config.domain[name].zone and finding.about == "zone"):
        raise ChatopsError(finding.found, hint=finding.hint)


def _keep(session: Session, draft: Draft, name: str) -> None:
    """Write the file before anything is made, so that a run that is killed is finished by `up`."""
    if draft.differs:
        draft.write()
        session.view.note(f"{draft.path} has {name} now")


def _show_records(session: Session, name: str) -> None:
    session.view.note(f"these records have to be typed where the zone of {name} is kept:")
    rows = hosts.records_of(session, name)
    session.view.rows([{key: value for key, value in row.items() if key != "line"} for row in rows])


def _show_page(session: Session, name: str) -> None:
    cloud = session.azure.cloud
    how = {"try": command} if (command := cloud.try_out(name)) else {}
    session.view.record({"domain": spelled(name), "page": cloud.host_url(name), **how})


def _ask(session: Session, plan: Plan, yes: bool) -> None:
    changed = [step for step in plan.work if step.action in (Action.REPLACE, Action.DELETE)]
    if changed:
        confirm(f"{len(changed)} of these deletes or replaces something. Go on?", yes)
    elif plan.work and session.target.billed:
        confirm(f"Make these {len(plan.work)} changes in subscription {session.azure.cloud.subscription}?", yes)
