"""`chatops cloud faults`: make the local cloud answer wrongly, slowly or not at all, to see what happens then."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from chatops.cli import trouble
from chatops.cli.options import Output, OutputFormat, examples
from chatops.cli.session import view_of
from chatops.config.load import text_of
from chatops.errors import UsageError

DAY = 86_400
"""Seconds."""
RULES = "write a list of rules, like - {match: PUT *, answer: 429}"

group = typer.Typer(no_args_is_help=True, help="Faults on demand: calls that fail, hang or are refused.")

Match = Annotated[str, typer.Argument(help="As in `PUT */virtualNetworks/*`; `~` begins a regular expression.")]
Answer = Annotated[str, typer.Argument(help="An error status, `reset`, `hang`, or for operations `fail`, `never`.")]
First = Annotated[int, typer.Option("--nth", min=0, help="Only the n-th matching call; 0: from the first one on.")]
Times = Annotated[int | None, typer.Option(min=0, help="For so many calls; 0: all. Default: 1 with --nth, else all.")]
After = Annotated[bool, typer.Option("--after", help="The call takes effect first.")]
RetryAfter = Annotated[float | None, typer.Option(min=0, max=DAY, help="The header, in seconds.")]
Seconds = Annotated[float, typer.Option(min=0, max=DAY, help="How long it hangs; 0: until the faults are cleared.")]
Code = Annotated[str, typer.Option(help="Azure's error code. Default: the usual one.")]
Message = Annotated[str, typer.Option(help="Azure's sentence. Default: the usual one.")]
RulesFile = Annotated[Path, typer.Argument(help="A YAML file.")]
Ahead = Annotated[float, typer.Argument(min=0, max=10 * 365 * DAY, help="Seconds.")]


@group.command(
    epilog=examples(
        "chatops cloud faults add 'PUT */virtualNetworks/*' 429 --nth 1",
        "chatops cloud faults add 'PATCH */containerApps/ui*' reset --after",
        "chatops cloud faults add 'PUT */flexibleServers/*' fail --code ServerIsBusy",
    )
)
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
    """Add one rule: which calls of the local cloud's management API go wrong, and how."""
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
def load(file: RulesFile, output: OutputFormat = Output.human) -> None:
    """Add what a YAML file holds: a list of rules, or `faults`, `throttle`, `role_delay`, `latency`, `speed`."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    text = text_of(file)
    try:
        found: Any = YAML(typ="safe", pure=True).load(text)
    except YAMLError as failure:
        mark = failure.problem_mark if isinstance(failure, MarkedYAMLError) else None
        raise UsageError(f"{file}{f':{mark.line + 1}' if mark else ''}: not YAML", hint=RULES) from None
    if isinstance(found, list):
        found = {"faults": found}
    if not isinstance(found, dict):
        raise UsageError(f"{file} holds no rules", hint=RULES)
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
def advance(seconds: Ahead, output: OutputFormat = Output.human) -> None:
    """Put the local cloud's clock ahead: what waits that long is over at once."""
    view_of(output).record(trouble.advance(seconds))


def _show(ordered: dict[str, Any], output: Output) -> None:
    view = view_of(output)
    if output is Output.json:
        view.record(ordered)
        return
    view.record({name: ordered[name] for name in ("throttle", "role_delay")})
    view.rows([{name: "" if value is None else value for name, value in rule.items()} for rule in ordered["faults"]])
