"""`chatops prices`: what the estimates reckon with, and fresh prices from Azure's public list."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from chatops.azure.cloud import PRICES
from chatops.azure.retail import fetch
from chatops.cli import daemon
from chatops.cli.book import book, refreshed_file
from chatops.cli.options import ConfigFile, Output, OutputFormat
from chatops.cli.session import view_of
from chatops.config.load import discover, load
from chatops.cost.prices import Price, bundled, known_region, read_rows
from chatops.cost.retail import as_snapshot, refresh
from chatops.errors import ChatopsError, NotReachable

group = typer.Typer(no_args_is_help=True, help="Show and refresh the prices that estimates reckon with.")


class From(StrEnum):
    """Whose price list is asked."""

    azure = "azure"
    local = "local"


Regions = Annotated[list[str] | None, typer.Option("--region", help="A region; may be repeated. Default: the file's.")]
Shown = Annotated[list[str] | None, typer.Option("--region", help="A region; may be repeated. Default: all.")]
Source = Annotated[From, typer.Option("--from", help="Azure's public list, or the copy that the local cloud serves.")]


@group.command()
def show(region: Shown = None, output: OutputFormat = Output.human) -> None:
    """Show every price: what for, where, who says so, when, and how far to trust it."""
    prices = book()
    wanted = {known_region(name, prices) for name in region or []}
    rows = [_row(price) for price in prices.rows.values() if not wanted or price.region in {*wanted, "Global"}]
    view = view_of(output)
    view.rows(sorted(rows, key=lambda row: (row["region"], row["meter"])))
    for note in prices.notes:
        view.note(note)


@group.command("refresh")
def refresh_prices(
    region: Regions = None, source: Source = From.azure, config: ConfigFile = None, output: OutputFormat = Output.human
) -> None:
    """Ask the retail price list for today's prices. Needs no login.

    An answer that is not whole, or not in US dollars, is refused, and the prices stay as they were.
    """
    view, prices = view_of(output), book()
    regions = [known_region(name, prices) for name in region or [load(discover(config, Path.cwd())).location]]
    url, get = _list_of(source)
    found = refresh(url, list(prices.definitions.values()), regions, get, datetime.now(UTC).date())
    if not found.prices:
        raise ChatopsError(f"the price list has nothing that chatops knows in {', '.join(regions)}")
    _keep(found.prices)
    for where in dict.fromkeys(place for _, place in found.missing):
        words = [prices.words(name) for name, place in found.missing if place == where]
        view.note(f"not on the list in {where}: {', '.join(words)}")
    view.record({"prices": len(found.prices), "regions": ", ".join(regions), "file": refreshed_file()})


def _list_of(source: From) -> tuple[str, Callable[[str], bytes]]:
    if source is From.azure:
        return PRICES, fetch
    if (found := daemon.endpoint()) is None:
        raise NotReachable("asking the local cloud for prices", "it is not running", hint="chatops cloud start")
    authority: str = found["ca_file"]
    return found["prices"], lambda url: fetch(url, authority)


def _keep(fresh: tuple[Price, ...]) -> None:
    """Lay the fresh rows over those of earlier refreshes, in one step."""
    file = refreshed_file()
    rows: dict[tuple[str, str], Price] = {}
    with suppress(FileNotFoundError, ChatopsError, json.JSONDecodeError, UnicodeDecodeError):
        before = json.loads(file.read_text(encoding="utf-8"))
        rows = {(price.meter, price.region): price for price in read_rows(before, bundled().definitions)}
    rows |= {(price.meter, price.region): price for price in fresh}
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.write_text(as_snapshot(list(rows.values())), encoding="utf-8")
    draft.replace(file)


def _row(price: Price) -> dict[str, str]:
    return {
        "region": price.region,
        "meter": price.meter,
        "price": f"{price.price:f}",
        "unit": price.unit,
        "as of": str(price.as_of or "undated"),
        "confidence": price.confidence,
        "source": price.source,
    }
