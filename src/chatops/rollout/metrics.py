"""How many requests each revision of an app answered, and how many of them with 5xx, by Azure Monitor.

Azure counts by the minute and shows a minute one to three minutes later.
https://learn.microsoft.com/azure/container-apps/metrics
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chatops.azure.calls import calling
from chatops.azure.clients import Azure
from chatops.rollout.revisions import Place

API_VERSION = "2024-02-01"


@dataclass(frozen=True)
class Requests:
    """Counted requests of one revision."""

    total: int = 0
    failed: int = 0

    @property
    def rate(self) -> float:
        """The share that failed, from 0 to 1."""
        return self.failed / self.total if self.total else 0.0

    def plus(self, count: int, *, failed: bool) -> Requests:
        return Requests(self.total + count, self.failed + (count if failed else 0))


def requests_of(azure: Azure, place: Place, since: datetime) -> dict[str, Requests]:
    """Count by revision what was answered since a time (UTC), as far as Azure Monitor shows it."""
    from azure.core.rest import HttpRequest

    parameters = {
        "api-version": API_VERSION,
        "metricnames": "Requests",
        "aggregation": "Total",
        "interval": "PT1M",
        "timespan": f"{_stamp(since)}/{_stamp(datetime.now(UTC))}",
        "$filter": "revisionName eq '*' and statusCodeCategory eq '*'",
    }
    request = HttpRequest("GET", f"{place.id}/providers/Microsoft.Insights/metrics", params=parameters)
    with calling("reading the metrics of", place.label):
        answer = azure.resources.send_request(request)
        answer.raise_for_status()
        return counted(answer.json())


def counted(body: dict[str, Any]) -> dict[str, Requests]:
    """Sum up Azure Monitor's answer: time series by revision and category of status."""
    found: dict[str, Requests] = {}
    for series in (series for metric in body["value"] for series in metric["timeseries"]):
        named = {one["name"]["value"].lower(): one["value"] for one in series["metadatavalues"]}
        revision, category = named.get("revisionname", ""), named.get("statuscodecategory", "")
        count = round(sum(point.get("total") or 0 for point in series["data"]))
        found[revision] = found.get(revision, Requests()).plus(count, failed=category.startswith("5"))
    return found


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
