"""`chatops doctor`: will this configuration come up where it is meant to? Asked before anything is written."""

from __future__ import annotations

from typing import Annotated

import typer

from chatops.cli.options import ConfigFile, Output, OutputFormat
from chatops.cli.session import Session, open_session
from chatops.errors import ChatopsError
from chatops.preflight.check import Finding, Wanted
from chatops.preflight.providers import register as register_providers
from chatops.preflight.run import examine
from chatops.resources import ArmResource

Register = Annotated[bool, typer.Option("--register", help="Register the resource providers that are missing.")]


def doctor(config: ConfigFile = None, register: Register = False, output: OutputFormat = Output.human) -> None:
    """Check everything that could refuse the stack: who you are and what you may do, providers, regions, quotas, names.

    All checks run at once and only read. Exit code 1 when one fails; each says what to do.
    """
    session = open_session(config, output)
    wanted = wanted_of(session)
    if register:
        for namespace in register_providers(session.azure, wanted):
            session.view.note(f"registered {namespace}")
    found = examine(session.azure, wanted)
    session.view.rows([_row(finding) for finding in found])
    refuse_trouble(found)


def wanted_of(session: Session) -> Wanted:
    """Return what the session's stack needs of Azure. Asks where the cloud is, and whether a Docker engine answers."""
    choice = session.workshop.choice
    config, names = session.config, {r.address: r.name for r in session.nameable if isinstance(r, ArmResource)}
    return Wanted(
        stack=config.name,
        tenant=session.azure.cloud.tenant,
        location=config.location,
        group_id=session.names.group_id,
        address_space=config.network.address_space,
        network=names["network"],
        vault=names["vault"],
        registry=names["registry"],
        server=names["postgres"],
        environment=names["environment"],
        sku=config.database.sku,
        tier=config.database.tier,
        version=config.database.version,
        builder=Finding("image builder", choice.reason, choice.todo),
        registry_builds=choice.by_registry,
    )


def refuse_trouble(found: list[Finding]) -> None:
    """Raise ChatopsError when a finding will not do."""
    failed = [finding for finding in found if not finding.passed]
    if failed:
        names = ", ".join(finding.check for finding in failed)
        raise ChatopsError(f"{len(failed)} of {len(found)} checks failed: {names}", hint=failed[0].todo)


def _row(finding: Finding) -> dict[str, str]:
    result = "ok" if finding.passed else "failed"
    return {"check": finding.check, "result": result, "found": finding.found, "do": finding.todo or ""}
