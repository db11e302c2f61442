"""What Azure Monitor has counted of a container app, minute by minute. It lags one to three minutes behind.

https://learn.microsoft.com/rest/api/monitor/metrics/list and https://learn.microsoft.com/azure/container-apps/metrics
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from chatops.azure.calls import calling
from chatops.azure.clients import Azure

API_VERSION = "2024-02-01"

Minutes = dict[str, float]
"""When a minute began (as Azure writes it) -> the number counted in it."""


def minutes_of(azure: Azure, app_id: str, asked: Sequence[tuple[str, str]], span: timedelta) -> list[Minutes]:
    """Return for each metric and its aggregation ("Requests", "Total") the whole minutes that Azure has a number for.

    Raises CloudError.
    """
    from azure.core.rest import HttpRequest

    now = datetime.now(UTC).replace(second=0)
    parameters = {
        "api-version": API_VERSION,
        "metricnames": ",".join(name for name, _ in asked),
        "aggregation": ",".join(dict.fromkeys(aggregation for _, aggregation in asked)),
        "interval": "PT1M",
        "timespan": f"{now - span:%Y-%m-%dT%H:%M:%SZ}/{now:%Y-%m-%dT%H:%M:%SZ}",
    }
    request = HttpRequest("GET", f"{app_id}/providers/Microsoft.Insights/metrics", params=parameters)
    with calling("reading the metrics of", f"container app '{app_id.rsplit('/', 1)[-1]}'"):
        answer = azure.resources.send_request(request)
        answer.raise_for_status()
    by_name = {metric["name"]["value"].lower(): metric for metric in answer.json()["value"]}
    return [_minutes(by_name.get(name.lower(), {}), aggregation.lower()) for name, aggregation in asked]


def _minutes(metric: dict[str, Any], aggregation: str) -> Minutes:
    points = (point for series in metric.get("timeseries", []) for point in series["data"])
    return {point["timeStamp"]: point[aggregation] for point in points if point.get(aggregation) is not None}
