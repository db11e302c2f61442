"""What Azure billed, from Cost Management. https://learn.microsoft.com/rest/api/cost-management/query/usage

Numbers are some hours old there, and few questions an hour are let through: ask once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from chatops.azure.calls import calling
from chatops.azure.clients import Azure
from chatops.errors import OperationFailed

COLUMNS = ("Cost", "UsageQuantity", "ResourceId", "Meter", "Currency")


@dataclass(frozen=True)
class Answer:
    """A row for each meter of each resource, by the names in COLUMNS, and when the service said so by its own clock."""

    asked: datetime
    rows: list[dict[str, Any]]


def billed(azure: Azure, groups: Sequence[str], first: datetime, last: datetime) -> Answer:
    """Return what these resource groups were billed from the first day to the last, both included.

    Raises OperationFailed when Azure answers in another form than it documents.
    """
    with calling("asking", "Cost Management"):
        scope = f"/subscriptions/{azure.cloud.subscription}"
        answer: Any = azure.costs.query.usage(scope, _question(groups, first, last), cls=_dated)
    asked, body = answer
    properties = body["properties"]
    names = [column["name"] for column in properties["columns"]]
    if missing := set(COLUMNS) - set(names):
        raise OperationFailed("asking Cost Management", f"its answer has no column {', '.join(sorted(missing))}")
    if properties.get("nextLink"):
        raise OperationFailed("asking Cost Management", "its answer has more than one page")
    return Answer(asked, [dict(zip(names, row, strict=True)) for row in properties["rows"]])


def _dated(pipeline_response: Any, *_: Any) -> Any:
    """The SDK's `cls` hook: the response's date and its JSON."""
    response = pipeline_response.http_response
    return parsedate_to_datetime(response.headers["Date"]), response.json()


def _question(groups: Sequence[str], first: datetime, last: datetime) -> Any:
    return {
        "type": "ActualCost",
        "timeframe": "Custom",
        "timePeriod": {"from": f"{first:%Y-%m-%dT00:00:00Z}", "to": f"{last:%Y-%m-%dT23:59:59Z}"},
        "dataset": {
            "granularity": "None",
            "aggregation": {
                "cost": {"name": "Cost", "function": "Sum"},
                "used": {"name": "UsageQuantity", "function": "Sum"},
            },
            "grouping": [{"type": "Dimension", "name": "ResourceId"}, {"type": "Dimension", "name": "Meter"}],
            "filter": {"dimensions": {"name": "ResourceGroupName", "operator": "In", "values": list(groups)}},
        },
    }
