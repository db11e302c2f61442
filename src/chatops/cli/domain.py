"""`chatops domain`: custom domains with TLS: which records they need, how they are, what is wrong with them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from chatops.cli import hosts
from chatops.cli.domain_bind import bind
from chatops.cli.domain_unbind import unbind
from chatops.cli.options import ConfigFile, Output, OutputFormat, examples
from chatops.cli.session import Session, open_session
from chatops.domain.finding import Finding
from chatops.domain.hostname import spelled
from chatops.resources.host import APP_VERSION, domain_of

group = typer.Typer(no_args_is_help=True, help="Custom domains with TLS: records, certificates, what is wrong.")
group.command(
    epilog=examples(
        "chatops domain bind chat.example.org",
        "chatops domain bind chat.example.org --no-wait",
        "chatops domain bind chat.example.org --certificate chat.pfx",
    )
)(bind)
group.command()(unbind)

Asked = Annotated[str | None, typer.Argument(help="The host name, as in chat.example.org. Default: all of the file.")]
Lines = Annotated[bool, typer.Option("--bind", help="As lines of a zone file.")]


@group.command()
def records(
    host: Asked = None, bind: Lines = False, config: ConfigFile = None, output: OutputFormat = Output.human
) -> None:
    """Show what to type at the registrar, and what the zone's name servers answer now."""
    session = _session(config, output)
    rows = [row for name in hosts.names_of(session, host) for row in hosts.records_of(session, name)]
    if bind and output is Output.human:
        for row in rows:
            session.view.line(row["line"])
        return
    hidden = () if output is Output.json else ("line",)
    session.view.rows([{key: value for key, value in row.items() if key not in hidden} for row in rows])


@group.command()
def status(host: Asked = None, config: ConfigFile = None, output: OutputFormat = Output.human) -> None:
    """Show each domain: its binding, its certificate and how long that is good, and what is wrong."""
    session = _session(config, output)
    session.view.rows([_row(session, name) for name in hosts.names_of(session, host)])


def _row(session: Session, name: str) -> dict[str, Any]:
    look = hosts.look_at(session, name)
    own = domain_of(session.azure.read(look.host.app_id, APP_VERSION), name)
    finding = look.finding
    return {
        "domain": spelled(name),
        "service": look.host.service,
        "binding": (own or {}).get("bindingType", "none"),
        "certificate": look.certificate,
        "wrong": finding.found if finding else "",
        "do": finding.hint if finding else "",
    }


@group.command()
def doctor(host: Asked = None, config: ConfigFile = None, output: OutputFormat = Output.human) -> None:
    """Name the one thing that is wrong with a domain, who must mend it, and the record to paste.

    Asks the authoritative name servers, never a cache, and Azure. Exit code 1 when something is wrong.
    """
    session = _session(config, output)
    findings = {name: hosts.look_at(session, name).finding for name in hosts.names_of(session, host)}
    for name, finding in findings.items():
        session.view.record({"domain": spelled(name), **_told(finding)})
    if any(findings.values()):
        raise typer.Exit(1)


def _told(finding: Finding | None) -> dict[str, Any]:
    if finding is None:
        return {"wrong": "nothing"}
    told = {"wrong": finding.found, "case": finding.code, "who": finding.who, "do": finding.do}
    lists = {"paste": finding.records, "remove": finding.remove}
    return told | {name: "\n".join(record.line() for record in found) for name, found in lists.items() if found}


def _session(config: ConfigFile, output: Output) -> Session:
    session = open_session(config, output)
    session.require_up()
    return session
