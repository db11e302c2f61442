"""`chatops conversations`: what cannot be made again, into a file and back; `down` saves it by the same way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from chatops.azure.clients import Azure
from chatops.azure.console import Inside, inside
from chatops.cli.options import ConfigFile, Output, OutputFormat
from chatops.cli.running import latest, require_app
from chatops.cli.session import Session, open_session
from chatops.conversations import Counts, count, counts_in, export, take_in
from chatops.errors import ChatopsError, Interrupted, UsageError
from chatops.resources import PostgresServer
from chatops.resources.power import STOPPED, power_of
from chatops.rollout.standing import serves

group = typer.Typer(no_args_is_help=True, help="The conversations in the database: into a file, and back.")

NewFile = Annotated[Path | None, typer.Argument(help="Default: <stack>-conversations-<UTC time>.jsonl.gz here.")]
SavedFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A file that export or `down` wrote.")]
WAKING_SECONDS = 120.0


@dataclass(frozen=True)
class Held:
    """The conversations of a stack that runs, in reach of one replica."""

    azure: Azure
    inside: Inside
    counts: Counts

    def save(self, file: Path) -> dict[str, object]:
        """Write them into `file`; return what to show. Raises ChatopsError, Interrupted; then there is no file."""
        try:
            saved = export(self.azure, self.inside, file)
        except KeyboardInterrupt:
            raise Interrupted("interrupted while the conversations were saved: there is no file") from None
        return {"saved": str(file), "chats": saved.chats, "messages": saved.messages}


@group.command("export")
def export_conversations(file: NewFile = None, config: ConfigFile = None, output: OutputFormat = Output.human) -> None:
    """Write every chat with its messages into a file: gzip of JSON lines, with a checksum at its end, mode 0600.

    It holds what people wrote: keep it as you would keep the database.
    """
    if file and file.exists():
        raise UsageError(f"{file} is there already", hint="give a new file's name")
    session = open_session(config, output)
    held = held_conversations(session)
    if held is None or not held.counts.chats:
        session.view.line(f"stack '{session.config.name}' has no conversations: nothing was written")
        return
    session.view.record(held.save(file or new_file(session)))


@group.command("import")
def import_conversations(file: SavedFile, config: ConfigFile = None, output: OutputFormat = Output.human) -> None:
    """Add what a file holds and the database does not: all of it or nothing, and nothing twice.

    A visitor is a cookie, signed with the session key of the stack's vault, for one host name. Who still has a good
    cookie finds the chats again. After `down` and `up` nobody has: the key is a new one (but where the vault has purge
    protection: it is recovered then, with the key), and so is the host name on Azure, unless it is a domain of your
    own. The conversations are in the database then, and no page shows them.
    """
    counts = counts_in(file)
    session = open_session(config, output)
    held = held_conversations(session)
    if held is None:
        raise session.not_up()
    added = take_in(held.azure, held.inside, file)
    of = {"chats": counts.chats, "messages": counts.messages}
    session.view.record({"imported": str(file), **of, "chats added": added.chats, "messages added": added.messages})


def new_file(session: Session) -> Path:
    """Where the conversations go, if nobody says: a new file in the current folder."""
    return Path.cwd() / f"{session.config.name}-conversations-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.jsonl.gz"


def held_conversations(session: Session) -> Held | None:
    """Return what there is to save, None where the database or its service never came to be.

    Raises ChatopsError when it is there and cannot be asked.
    """
    services = session.config.services
    name = next((name for name, service in services.items() if service.image == "db-api"), "db-api")
    server = next(one.address for one in session.resources if isinstance(one, PostgresServer))
    asked = [one for one in session.resources if one.address in (f"app/{name}", server)]
    observed = session.observe(asked) if session.target.there else {}
    if len(observed) < len(asked) or not serves(app := observed[f"app/{name}"].body):
        return None
    require_app(session, name, app)
    if power_of(observed[server].body) == STOPPED:
        raise ChatopsError("the database server is stopped", hint="chatops resume")
    found = _replica(session, name, latest(app))
    return Held(session.azure, found, count(session.azure, found))


def _replica(session: Session, name: str, revision: str) -> Inside:
    """Return a replica that runs, of one that sleeps too. Raises ChatopsError."""
    group = session.names.group
    if found := inside(session.azure, group, name, revision):
        return found
    _ask_for_the_page(session)
    if found := inside(session.azure, group, name, revision):
        return found
    raise ChatopsError(f"no replica of '{name}' runs", hint=f"chatops scale {name} --min 1 --temporary")


def _ask_for_the_page(session: Session) -> None:
    """The page lists the visitor's chats: whatever answers for them wakes up."""
    import requests

    session.view.note("nothing runs that could be asked for the conversations: asking for the page, which wakes it")
    try:
        requests.get(session.page_url() or "", timeout=WAKING_SECONDS)
    except requests.RequestException as error:
        session.view.note(f"the page does not answer: {type(error).__name__}")
