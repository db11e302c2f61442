"""`chatops revisions`: which versions of each service there are, and which of them serves."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from chatops.cli.options import ConfigFile, Output, OutputFormat
from chatops.cli.rollouts import apps_of, chosen, row
from chatops.cli.session import Session, open_session
from chatops.resources.app import ContainerApp
from chatops.rollout.revisions import Revision
from chatops.rollout.standing import Standing, last_good, standing

Services = Annotated[list[str] | None, typer.Argument(help="Services, as the YAML file names them. Default: all.")]


def revisions(services: Services = None, config: ConfigFile = None, output: OutputFormat = Output.human) -> None:
    """List revisions: which, since when, the image's digest, traffic, health, and who deployed it."""
    session = open_session(config, output)
    apps = apps_of(session, chosen(session, services or ()))
    session.view.rows([line for app in apps for line in _rows(session, app)])


def _rows(session: Session, app: ContainerApp) -> list[dict[str, Any]]:
    body = app.place.app(session.azure) or {}
    known = app.place.revisions(session.azure)
    now = standing(body, known)
    back = last_good(body, known, now)
    if not now.single:
        session.view.note(f"{app.name}: {now}")
    return [row(app.name, one, _note(one, now, back)) for one in known]


def _note(one: Revision, now: Standing, back: Revision | None) -> str:
    if one.name == now.serving:
        return "serves"
    if back and one.name == back.name:
        return "rollback goes here"
    return "failed" if one.provisioning == "Failed" else ""
