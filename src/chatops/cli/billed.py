"""`chatops cost --billed`: what Azure billed so far, beside what was estimated for the same time."""

from __future__ import annotations

import calendar
import json
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from chatops.azure.costs import Answer, billed
from chatops.cli import places
from chatops.cli.book import book
from chatops.cli.options import Output
from chatops.cli.session import Session, open_session
from chatops.cost.billed import Item, Statement, compare
from chatops.cost.change import charges
from chatops.cost.estimate import Estimate, estimate
from chatops.cost.month import month_of, part
from chatops.cost.usage import People
from chatops.costing import usage_by_address
from chatops.errors import UsageError
from chatops.resources import ArmResource
from chatops.views.billed import show

KEPT = 3600.0
"""Seconds that an answer is good for: Azure's own numbers are hours old, and it answers few questions."""


def show_billed(config: Path | None, month: str | None, people: People, fresh: bool, output: Output) -> None:
    """Ask Cost Management (or take its last answer) and show it beside the estimate."""
    session = open_session(config, output)
    first, last = _month(month)
    environment = session.environment() or {}
    managed = (environment.get("properties") or {}).get("infrastructureResourceGroup")
    answer = _answer(session, [group for group in (session.names.group, managed) if group], (first, last), fresh)
    span = _since(environment, first, last), min(last, answer.asked)
    expected = _expected(session, span, people)
    rows = compare(map(_item, answer.rows), _owners(session, managed, answer.rows), expected, book())
    currencies = sorted({str(row["Currency"]) for row in answer.rows})
    show(Statement(session.config.name, span, answer.asked, currencies, rows, expected), output is Output.json)


def _month(text: str | None) -> tuple[datetime, datetime]:
    """The first and the last moment of a month; this one unless another is named. Raises UsageError for the future."""
    now = datetime.now(UTC)
    first = datetime.strptime(month_of(text or f"{now:%Y-%m}").name, "%Y-%m").replace(tzinfo=UTC)
    if first > now:
        raise UsageError(f"{text} is yet to come", hint=f"chatops cost --month {text} tells what it may cost")
    days = calendar.monthrange(first.year, first.month)[1]
    return first, first + timedelta(days=days) - timedelta(seconds=1)


def _since(environment: Mapping[str, Any], first: datetime, last: datetime) -> datetime:
    """When the stack was made, if that was in this month."""
    made = (environment.get("systemData") or {}).get("createdAt")
    began = datetime.fromisoformat(made[:19]).replace(tzinfo=UTC) if made else first
    return min(max(first, began), last)


def _answer(session: Session, groups: list[str], month: tuple[datetime, datetime], fresh: bool) -> Answer:
    place = (
        places.cache() / "billed" / f"{session.azure.cloud.subscription}-{session.names.group}-{month[0]:%Y-%m}.json"
    )
    known = None if fresh else _kept(place)
    if known and time.time() - place.stat().st_mtime < KEPT:
        return known
    answer = billed(session.azure, groups, *month)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps({"asked": answer.asked.isoformat(), "rows": answer.rows}))
    return answer


def _kept(file: Path) -> Answer | None:
    try:
        found = json.loads(file.read_text())
        return Answer(datetime.fromisoformat(found["asked"]), found["rows"])
    except (OSError, ValueError, KeyError):
        return None


def _expected(session: Session, span: tuple[datetime, datetime], people: People) -> Estimate:
    config = session.config
    usage = usage_by_address(config, people)
    return estimate(charges(session.nameable, config.location), book(), usage, config.location, part(*span))


def _item(row: Mapping[str, Any]) -> Item:
    cost = None if row["Cost"] is None else Decimal(str(row["Cost"]))
    return Item(str(row["ResourceId"]).lower(), str(row["Meter"]), Decimal(str(row["UsageQuantity"] or 0)), cost)


def _owners(session: Session, managed: str | None, rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Whose each resource on the bill is: what lies in the managed group is the environment's."""
    owners = {one.id.lower(): one.address for one in session.nameable if isinstance(one, ArmResource)}
    inside = f"/resourcegroups/{(managed or '-').lower()}/"
    for row in rows:
        if inside in (id := str(row["ResourceId"]).lower()):
            owners[id] = "environment"
    return owners
