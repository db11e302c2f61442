"""Microsoft.Insights/metrics of container apps: what Azure Monitor tells of them, by the minute.

https://learn.microsoft.com/rest/api/monitor/metrics/list, the metrics of
https://learn.microsoft.com/azure/container-apps/metrics. Here, of those: Requests, ResponseTime, Replicas and
RestartCount, for the last day, split by `revisionName`, `statusCodeCategory` and `statusCode`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from .. import clock
from ..errors import ArmError
from ..resource_types import APP
from ..runtime.tally import Minute
from ..store import Body, Record
from .kind import Call, Endpoint

NAMESPACE = "Microsoft.App/containerapps"
HOUR = timedelta(hours=1)
_STEP = re.compile(r"PT([1-9]\d{0,4})([MH])")
_CONDITION = re.compile(r"\s*(\w+)\s+eq\s+'([^']*)'\s*")
STATUS = {"statuscode", "statuscodecategory"}
REVISION = {"revisionname"}

Part = tuple[Mapping[str, str], float, int]
"""What a number belongs to (dimension -> value), the number, and of how many it is the sum."""


@dataclass(frozen=True)
class Metric:
    """How one metric is read from a revision's minute. `usual` is the aggregation that is meant when none is named."""

    name: str
    unit: str
    usual: str
    dimensions: frozenset[str]
    parts: Callable[[str, Minute], Iterator[Part]]


def _requests(revision: str, minute: Minute) -> Iterator[Part]:
    for status, count in minute.answers.items():
        values = {"revisionname": revision, "statuscode": str(status), "statuscodecategory": f"{status // 100}xx"}
        yield values, count, count


def _response_time(revision: str, minute: Minute) -> Iterator[Part]:
    if answers := sum(minute.answers.values()):
        yield {"revisionname": revision}, minute.milliseconds, answers


def _replicas(revision: str, minute: Minute) -> Iterator[Part]:
    if revision:
        yield {"revisionname": revision}, minute.replicas, 1


def _restarts(revision: str, minute: Minute) -> Iterator[Part]:
    if revision:
        yield {"revisionname": revision}, minute.restarts, 1


METRICS = {
    metric.name.lower(): metric
    for metric in (
        Metric("Requests", "Count", "Total", frozenset(REVISION | STATUS), _requests),
        Metric("ResponseTime", "MilliSeconds", "Average", frozenset(REVISION), _response_time),
        Metric("Replicas", "Count", "Maximum", frozenset(REVISION), _replicas),
        Metric("RestartCount", "Count", "Maximum", frozenset(REVISION), _restarts),
    )
}
AGGREGATIONS: Mapping[str, Callable[[list[Part]], float]] = {
    "total": lambda parts: sum(value for _, value, _ in parts),
    "count": lambda parts: sum(count for _, _, count in parts),
    "average": lambda parts: sum(value for _, value, _ in parts) / sum(count for _, _, count in parts),
    "maximum": lambda parts: max(value for _, value, _ in parts),
    "minimum": lambda parts: min(value for _, value, _ in parts),
}


@dataclass(frozen=True)
class Question:
    """What is asked of one metric. `filters` has dimension -> value, "*" for a series each."""

    start: datetime
    end: datetime
    step: timedelta
    aggregations: tuple[str, ...]
    filters: Mapping[str, str]


async def _metrics(call: Call, found: Mapping[str, str]) -> Body:
    id = call.id.text.rsplit("/providers/", 1)[0]
    app = call.world.store.find(id)
    if app is None:
        raise ArmError(404, "ResourceNotFound", f"The Resource '{id}' was not found.")
    names = [name.strip() for name in call.query.get("metricnames", "Requests").split(",")]
    if unknown := [name for name in names if name.lower() not in METRICS]:
        text = f"Failed to find metric configuration for provider: Microsoft.App, metric: {unknown[0]}"
        raise _bad(f"{text}, valid metrics: {','.join(metric.name for metric in METRICS.values())}")
    question = _question(call.query)
    return {
        "cost": 0,
        "timespan": f"{question.start:%Y-%m-%dT%H:%M:%SZ}/{question.end:%Y-%m-%dT%H:%M:%SZ}",
        "interval": call.query.get("interval", "PT1M"),
        "value": [_answer(call, app, METRICS[name.lower()], question) for name in names],
        "namespace": NAMESPACE,
        "resourceregion": str(app.body.get("location", "")).replace(" ", "").lower(),
    }


def _bad(message: str) -> ArmError:
    return ArmError(400, "BadRequest", message)


def _question(query: Mapping[str, str]) -> Question:
    start, end = _span(query.get("timespan"))
    step = _STEP.fullmatch(query.get("interval", "PT1M"))
    if step is None:
        raise _bad(f"Invalid time grain: {query['interval']}")
    asked = tuple(name.strip().lower() for name in query.get("aggregation", "").split(",") if name.strip())
    if unknown := [name for name in asked if name not in AGGREGATIONS]:
        raise _bad(f"Aggregation type '{unknown[0]}' is not valid.")
    length = timedelta(minutes=int(step[1])) if step[2] == "M" else timedelta(hours=int(step[1]))
    return Question(start, end, length, asked, _filters(query.get("$filter", "")))


def _span(text: str | None) -> tuple[datetime, datetime]:
    """The last hour unless another span is asked for; its start is that of a minute."""
    start, end = clock.now() - HOUR, clock.now()
    if text:
        try:
            start, end = (datetime.fromisoformat(part).astimezone(UTC) for part in text.split("/"))
        except ValueError as error:
            raise _bad(f"Invalid time interval input: {text}") from error
    return start.replace(second=0, microsecond=0), end


def _filters(text: str) -> dict[str, str]:
    filters = {}
    for condition in re.split(r"\s+and\s+", text) if text else ():
        if (found := _CONDITION.fullmatch(condition)) is None:
            raise _bad(f"Invalid filter: {text}")
        filters[found[1].lower()] = found[2]
    return filters


def _answer(call: Call, app: Record, metric: Metric, question: Question) -> Body:
    if unknown := question.filters.keys() - metric.dimensions:
        raise _bad(f"Metric: {metric.name} does not support requested dimension combination: {', '.join(unknown)}")
    series: dict[tuple[str, ...], dict[datetime, list[Part]]] = defaultdict(lambda: defaultdict(list))
    split = [name for name, value in question.filters.items() if value == "*"]
    tally = call.world.runtime.tally(app.key)
    for at, revision, minute in tally.between(question.start, question.end) if tally else ():
        begin = question.start + (at - question.start) // question.step * question.step
        for part in metric.parts(revision, minute):
            if all(value in ("*", part[0][name]) for name, value in question.filters.items()):
                series[tuple(part[0][name] for name in split)][begin].append(part)
    aggregations = question.aggregations or (metric.usual.lower(),)
    return {
        "id": f"{app.id}/providers/Microsoft.Insights/metrics/{metric.name}",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": metric.name, "localizedValue": metric.name},
        "unit": metric.unit,
        "timeseries": [
            {
                "metadatavalues": [
                    {"name": {"value": name, "localizedValue": name}, "value": value}
                    for name, value in zip(split, values, strict=True)
                ],
                "data": [_point(at, parts, aggregations) for at, parts in sorted(minutes.items())],
            }
            for values, minutes in sorted(series.items())
        ],
        "errorCode": "Success",
    }


def _point(at: datetime, parts: list[Part], aggregations: tuple[str, ...]) -> Body:
    numbers = {name: AGGREGATIONS[name](parts) for name in aggregations}
    return {"timeStamp": f"{at:%Y-%m-%dT%H:%M:%SZ}", **numbers}


ENDPOINTS = (
    Endpoint(
        "GET",
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/" + APP + "/{app}"
        "/providers/Microsoft.Insights/metrics",
        _metrics,
        "Microsoft.Insights/metrics/read",
    ),
)
