"""`chatops cost`: what a month of the stack costs, before anything is there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import Annotated

import typer

from chatops.cli.book import book
from chatops.cli.options import ConfigFile, Output, OutputFormat
from chatops.config.load import discover, load
from chatops.config.schema import Config
from chatops.cost.month import USUAL, month_of
from chatops.cost.prices import known_region
from chatops.cost.report import CostReport
from chatops.cost.usage import HOURS, USERS, People
from chatops.costing import Occasion, report_on
from chatops.errors import UsageError


class Format(StrEnum):
    """How the estimate is shown."""

    table = "table"
    json = "json"
    csv = "csv"
    html = "html"
    svg = "svg"


Users = Annotated[float | None, typer.Option("--users", min=0, max=1e9, help="People who use it at a time.")]
Hours = Annotated[float | None, typer.Option("--hours", min=0, max=24, help="Hours a day that they do.")]
Month = Annotated[str | None, typer.Option("--month", help="A month of the calendar, like 2027-02.")]
Region = Annotated[str | None, typer.Option("--region", help="Another region than the YAML file's.")]
Compare = Annotated[
    list[str] | None, typer.Option("--compare", help="Another YAML file or region beside it; may be repeated.")
]
As = Annotated[Format, typer.Option("--format", help="A page (html) or a picture (svg) to send, or data.")]
Billed = Annotated[
    bool, typer.Option("--billed", help="What Azure billed so far (or in --month), beside what was expected.")
]
Fresh = Annotated[bool, typer.Option("--fresh", help="With --billed: ask again, not the last answer of this hour.")]
Out = Annotated[Path | None, typer.Option("--out", help="The file to write it to.")]


def cost(
    users: Users = None,
    hours: Hours = None,
    month: Month = None,
    region: Region = None,
    compare: Compare = None,
    form: As = Format.table,
    out: Out = None,
    billed: Billed = False,
    fresh: Fresh = False,
    config: ConfigFile = None,
    output: OutputFormat = Output.human,
) -> None:
    """Tell what a month costs, resource by resource: idle, expected and busy, with what Azure brings unasked.

    Needs no login and no cloud: the YAML file and the price book are enough. A price that is not known is told as
    unknown, never guessed. With --billed, what was really billed stands beside what was expected by now.
    """
    if fresh and not billed:
        raise UsageError("--fresh asks for the bill again", hint="give --billed with it")
    if billed:
        from chatops.cli.billed import show_billed

        _only_as_a_table(form, {"--region": region, "--compare": compare, "--out": out})
        as_json = Output.json in (output, form)
        show_billed(config, month, _people(users, hours), fresh, Output.json if as_json else Output.human)
        return
    path = discover(config, Path.cwd())
    occasion = _occasion(users, hours, month)
    stacks = [(path.stem, _moved(load(path), region, occasion)), *_others(path, region, compare or [], occasion)]
    report = report_on(stacks, occasion, datetime.now(UTC).date())
    _write(report, Format.json if output is Output.json and form is Format.table else form, out)


def _only_as_a_table(form: Format, others: Mapping[str, object]) -> None:
    """Raise UsageError for what the bill cannot be shown with."""
    asked = [name for name, value in others.items() if value]
    asked += [f"--format {form}"] if form not in (Format.table, Format.json) else []
    if asked:
        raise UsageError(f"--billed does not go with {' and '.join(asked)}", hint="leave one of them out")


def _occasion(users: float | None, hours: float | None, month: str | None) -> Occasion:
    asked = users is not None or hours is not None
    return Occasion(book(), _people(users, hours), month_of(month) if month else USUAL, said=not asked)


def _people(users: float | None, hours: float | None) -> People:
    return People(_decimal(users, USERS), _decimal(hours, HOURS))


def _decimal(value: float | None, default: Decimal) -> Decimal:
    return default if value is None else Decimal(str(value))


def _moved(config: Config, region: str | None, occasion: Occasion) -> Config:
    location = known_region(region or config.location, occasion.prices)
    return config.model_copy(update={"location": location})


def _others(path: Path, region: str | None, compare: list[str], occasion: Occasion) -> list[tuple[str, Config]]:
    """Each word is a file where there is one or where it looks like one, else a region."""
    found = []
    for word in compare:
        if Path(word).suffix in (".yaml", ".yml") or Path(word).is_file():
            found.append((Path(word).stem, _moved(load(Path(word)), region, occasion)))
        else:
            found.append((path.stem, _moved(load(path), word, occasion)))
    return found


def _write(report: CostReport, form: Format, out: Path | None) -> None:
    if form is Format.table:
        _print_table(report, out)
        return
    text = _text(report, form)
    if out is None:
        # bytes: pages and pictures say that they are UTF-8, whatever the terminal is
        typer.echo(text.encode(), nl=False)
        return
    _save(text, out)


def _save(text: str, out: Path) -> None:
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"writing {out}: {error.strerror}") from error


def _print_table(report: CostReport, out: Path | None) -> None:
    from chatops.views.cost_table import show

    if out is None:
        show(report)
        return
    text = StringIO()
    show(report, text)
    _save(text.getvalue(), out)


def _text(report: CostReport, form: Format) -> str:
    match form:
        case Format.html:
            from chatops.views.cost_page import page

            return page(report)
        case Format.svg:
            from chatops.views.cost_picture import picture

            return picture(report.sheets[0])
        case Format.csv:
            from chatops.views.cost_data import comma_separated

            return comma_separated(report)
        case _:
            from chatops.views.cost_data import as_json

            return as_json(report)
