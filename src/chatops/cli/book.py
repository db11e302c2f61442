"""The price book that commands reckon with: the bundled snapshot, and over it what `chatops prices refresh` fetched."""

from __future__ import annotations

import json
from pathlib import Path

from chatops.cli import places
from chatops.cost.prices import Prices, bundled, read_rows
from chatops.errors import ChatopsError


def refreshed_file() -> Path:
    """Where the prices of the last refresh lie."""
    return places.cache() / "prices" / "retail.json"


def book() -> Prices:
    """Return the price book. A refreshed file that cannot be read is told, and left out."""
    prices = bundled()
    try:
        text = refreshed_file().read_text(encoding="utf-8")
    except FileNotFoundError:
        return prices
    except (OSError, UnicodeDecodeError) as error:
        return prices.over((), _damaged(str(error)))
    try:
        return prices.over(read_rows(json.loads(text), prices.definitions))
    except (ChatopsError, json.JSONDecodeError) as error:
        return prices.over((), _damaged(str(error)))


def _damaged(why: str) -> str:
    again = "chatops prices refresh makes it anew"
    return f"{refreshed_file()} is damaged and left out, the bundled prices are used ({why}): {again}"
