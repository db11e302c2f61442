"""`chatops cloud faults`: make the local cloud answer wrongly, slowly or not at all, to see what happens then."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from chatops.cli import trouble
from chatops.cli.options import Output, OutputFormat
from chatops.cli.session import view_of
from chatops.errors import UsageError

group = typer.Typer(no_args_is_help=True, help="Faults on demand: calls that fail, hang or are refused.")

Match = Annotated[str, typer.Argument(help="METHOD PATH: 'PUT */virtualNetworks/*'; '~' begins a regular expression.")]
Answer = Annotated[str, typer.Argument(help="An error status, reset, hang, or for operations: fail, never.")]
First = Annotated[int, typer.Option("--nth", min=0, help="Only the n-th matching call; 0: from the first one on.")]
Times = Annotated[int | None, typer.Option(min=0, help="For so many calls; 0: all. Default: 1 with --nth, else all.")]
After = Annotated[bool, typer.Option("--after", help="The call takes effect first.")]
RetryAfter = Annotated[float | None, typer.Option(min=0, help="The header, in seconds.")]
Seconds = Annotated[float, typer.Option(min=0, help="How long it hangs; 0: until the faults are cleared.")]
Code = Annotated[str, typer.Option(help="Azure's error code. Default: the usual one.")]
Message = Annotated[str, typer.Option(help="Azure's sentence. Default: the usual one.")]


@group.command()
def add(
    match: Match,
    answer: Answer,
    nth: First = 0,
    times: Times = None,
    after: After = False,
    retry_after: RetryAfter = None,
    seconds: Seconds = 0,
    code: Code = "",
    message: Message = "",
    output: OutputFormat = Output.human,
) -> None:
    """Add one rule."""
    rule: dict[str, Any] = {
        "match": match,
        "answer": answer,
        "first": nth or 1,
        "times": times if times is not None else min(nth, 1),
        "after": after,
        "retry_after": retry_after,
        "seconds": seconds,
        "code": code,
        "message": message,
    }
    _show(trouble.order({"faults": [rule]}), output)


@group.command()
def load(file: Path, output: OutputFormat = Output.human) -> None:
    """Add what a YAML file holds: a list of rules, or `faults`, `throttle`, `role_delay`, `latency`, `speed`."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        found: Any = YAML(typ="safe", pure=True).load(file.read_text())
    except (OSError, YAMLError) as failure:
        raise UsageError(f"{file}: {failure}") from failure
    if isinstance(found, list):
        found = {"faults": found}
    if not isinstance(found, dict):
        raise UsageError(f"{file}: expected a list of rules")
    _show(trouble.order(found), output)


@group.command("list")
def listing(output: OutputFormat = Output.human) -> None:
    """Print the rules, and how many calls each has seen."""
    _show(trouble.ordered(), output)


@group.command()
def clear(output: OutputFormat = Output.human) -> None:
    """Take all of them away, throttling and role delay too. What hangs or never ends goes on."""
    _show(trouble.clear(), output)


@group.command()
def advance(seconds: float, output: OutputFormat = Output.human) -> None:
    """Put the local cloud's clock ahead: what waits that long is over at once."""
    view_of(output).record(trouble.advance(seconds))


def _show(ordered: dict[str, Any], output: Output) -> None:
    view = view_of(output)
    if output is Output.json:
        view.record(ordered)
        return
    view.record({name: ordered[name] for name in ("throttle", "role_delay")})
    view.rows([{name: "" if value is None else value for name, value in rule.items()} for rule in ordered["faults"]])
