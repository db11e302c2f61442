"""The entry point: all commands in one app, and every error as a sentence and an exit code."""

from __future__ import annotations

import signal
import sys
from itertools import pairwise
from types import FrameType
from typing import Annotated, NoReturn

import typer

from chatops import __version__
from chatops.cli import cloud, config, conversations, domain, images, prices
from chatops.cli.cost import cost
from chatops.cli.deploy import deploy
from chatops.cli.doctor import doctor
from chatops.cli.down import down
from chatops.cli.init import init
from chatops.cli.logs import logs
from chatops.cli.open import open_page
from chatops.cli.options import Output, examples
from chatops.cli.pause import pause, resume
from chatops.cli.plan import plan
from chatops.cli.revisions import revisions
from chatops.cli.rollback import rollback
from chatops.cli.scale import scale
from chatops.cli.session import view_of
from chatops.cli.status import status
from chatops.cli.surroundings import prepare, refusal
from chatops.cli.up import up
from chatops.errors import ChatopsError
from chatops.views.protocol import View

ASKS_FOR_JSON = (("--output", "json"), ("-o", "json"))

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown")
app.command()(init)
app.command()(up)
app.command()(plan)
app.command()(doctor)
app.command(
    epilog=examples(
        "chatops cost --users 40 --hours 8",
        "chatops cost --compare westeurope --compare small.yaml",
        "chatops cost --format html --out cost.html",
    )
)(cost)
app.command(epilog=examples("chatops deploy", "chatops deploy lm-api --canary 10,50,100 --pause 60"))(deploy)
app.command(epilog=examples("chatops rollback lm-api", "chatops rollback --to lm-api--7hss1ui"))(rollback)
app.command()(revisions)
app.command()(status)
app.command(
    epilog=examples(
        "chatops scale lm-api --max 8",
        "chatops scale lm-api --cpu 2 --memory 4Gi",
        "chatops scale lm-api --min 3 --temporary",
    )
)(scale)
app.command()(pause)
app.command()(resume)
app.command(epilog=examples("chatops logs lm-api", "chatops logs ui --follow --tail 20"))(logs)
app.command("open")(open_page)
app.command()(down)
app.add_typer(conversations.group, name="conversations")
app.add_typer(domain.group, name="domain")
app.add_typer(images.group, name="images")
app.add_typer(config.group, name="config")
app.add_typer(prices.group, name="prices")
app.add_typer(cloud.group, name="cloud")


def _version(asked: bool) -> None:
    if asked:
        view_of(Output.human).line(f"chatops {__version__}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")]


@app.callback()
def root(version: Version = False) -> None:
    """An AI chat app in production on Azure from one YAML file, rehearsed on this machine first."""


def main() -> None:
    """Run the command line and exit with its code: 0 done, 1 failed, 2 bad usage or configuration, 130 interrupted."""
    signal.signal(signal.SIGTERM, _terminated)
    prepare()
    try:
        app()
    except ChatopsError as error:
        _fail(error)
    except OSError as error:
        if (refused := refusal(error)) is None:
            raise
        _fail(refused)


def _fail(error: ChatopsError) -> NoReturn:
    _view_asked_for().problem(error)
    sys.exit(error.exit_code)


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _view_asked_for() -> View:
    words = sys.argv[1:]
    wants_json = "--output=json" in words or any(pair in ASKS_FOR_JSON for pair in pairwise(words))
    return view_of(Output.json if wants_json else Output.human)
