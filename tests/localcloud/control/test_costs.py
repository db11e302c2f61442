"""What ran is metered, priced and told: by Cost Management, asked with its official client, and by Azure Monitor."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from azure.core.exceptions import HttpResponseError
from azure.mgmt.costmanagement import CostManagementClient
from azure.mgmt.privatedns import PrivateDnsManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient

from ..conftest import LOCATION, Cloud, wait_for
from .conftest import Stack

HOURS = 360
DATASET = {
    "granularity": "None",
    "aggregation": {
        "totalCost": {"name": "Cost", "function": "Sum"},
        "used": {"name": "UsageQuantity", "function": "Sum"},
    },
    "grouping": [{"type": "Dimension", "name": "ResourceId"}, {"type": "Dimension", "name": "Meter"}],
}
COLUMNS = ["Cost", "UsageQuantity", "ResourceId", "Meter", "Currency"]


def rows(cloud: Cloud, scope: str, **changed: Any) -> list[dict[str, Any]]:
    """What Cost Management answers, a dict a row."""
    arm, ca = cloud.endpoint["arm"], cloud.endpoint["ca_file"]
    client = CostManagementClient(
        cloud.credential, base_url=arm, credential_scopes=[f"{arm}/.default"], connection_verify=ca
    )
    body = {"type": "ActualCost", "timeframe": "MonthToDate", "dataset": DATASET, **changed}
    answer = client.query.usage(scope, body)
    names = [column.name for column in answer.columns]
    return [dict(zip(names, row, strict=True)) for row in answer.rows]


def test_half_a_month_is_half_a_month_on_the_bill(fresh: Cloud) -> None:
    """A private DNS zone is $0.54 a month in this region; the clock is put 15 days ahead."""
    fresh.client(ResourceManagementClient).resource_groups.create_or_update("g", {"location": LOCATION})
    zones = fresh.client(PrivateDnsManagementClient).private_zones
    made = zones.begin_create_or_update("g", "chat.private.example", {"location": "global"}).result()
    assert fresh.call("PUT", "/_local/clock", json={"advance": HOURS * 3600}).status_code == 200
    scope = f"{fresh.scope}/resourceGroups/g"
    wait_for(lambda: any(row["UsageQuantity"] > 0.4 for row in rows(fresh, scope)))
    (row,) = rows(fresh, scope)
    assert list(row) == COLUMNS
    assert (row["ResourceId"], row["Meter"], row["Currency"]) == (str(made.id).lower(), "Private Zone", "USD")
    assert row["UsageQuantity"] == pytest.approx(0.5, abs=0.04)
    assert row["Cost"] == pytest.approx(0.27, abs=0.02)
    daily = rows(fresh, scope, dataset=DATASET | {"granularity": "Daily", "grouping": []})
    assert [len(str(row["UsageDate"])) for row in daily] == [8]
    elsewhere = {"dimensions": {"name": "ResourceGroupName", "operator": "In", "values": ["other"]}}
    assert rows(fresh, fresh.scope, dataset=DATASET | {"filter": elsewhere}) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "Guess"},
        {"timeframe": "Sometime"},
        {"timeframe": "Custom"},
        {"dataset": DATASET | {"granularity": "Hourly"}},
        {"dataset": DATASET | {"grouping": [{"type": "Dimension", "name": "Colour"}]}},
        {"dataset": DATASET | {"aggregation": {}}},
    ],
    ids=range(6),
)
def test_questions_that_cannot_be_answered(cloud: Cloud, changed: dict[str, Any]) -> None:
    with pytest.raises(HttpResponseError, match="Invalid query definition") as refused:
        rows(cloud, cloud.scope, **changed)
    assert refused.value.status_code == 400


def test_a_replica_is_metered_idle_and_active_and_its_requests_are_counted(stack: Stack, cloud: Cloud) -> None:
    app = stack.put("metered", stack.body())
    for path in ("/", "/", "/nowhere"):
        stack.ask(app, path)

    def used() -> dict[str, float]:
        own = [row for row in rows(cloud, cloud.scope) if row["ResourceId"] == str(app.id).lower()]
        return {row["Meter"]: row["UsageQuantity"] for row in own}

    meters = {"Standard vCPU Idle Usage", "Standard vCPU Active Usage", "Standard Memory Idle Usage"}
    wait_for(lambda: meters <= set(used()))
    assert used()["Standard Requests"] == pytest.approx(3e-6)
    assert used()["Standard Memory Idle Usage"] == pytest.approx(2 * used()["Standard vCPU Idle Usage"], rel=0.5)
    stack.client.container_apps.begin_delete(stack.group, "metered").result()
    assert used()["Standard Requests"] == pytest.approx(3e-6), "what is gone is still on the bill"


def test_azure_monitor_tells_requests_by_revision_and_status(stack: Stack, cloud: Cloud) -> None:
    app = stack.put("watched", stack.body())
    for _ in range(2):
        stack.ask(app)
    host = {"Host": app.properties.configuration.ingress.fqdn}
    assert requests.post(cloud.endpoint["ingress"], headers=host, timeout=120).status_code == 501
    query = {
        "metricnames": "Requests,Replicas",
        "aggregation": "Total,Maximum",
        "interval": "PT1H",
        "$filter": f"revisionName eq '{app.properties.latest_revision_name}'",
    }
    path = f"{app.id}/providers/Microsoft.Insights/metrics"

    def metrics(**changed: str) -> list[dict[str, Any]]:
        answer = cloud.call("GET", path, "2024-02-01", params={**query, **changed}).json()
        return list(answer["value"])

    def replicas() -> list[int]:
        return [point["maximum"] for series in metrics()[1]["timeseries"] for point in series["data"]]

    wait_for(lambda: 1 in replicas())
    assert sum(point["total"] for series in metrics()[0]["timeseries"] for point in series["data"]) == 3
    (split,) = metrics(metricnames="Requests", **{"$filter": "statusCodeCategory eq '*'"})
    status = {one["metadatavalues"][0]["value"]: one["data"] for one in split["timeseries"]}
    assert {name: sum(point["total"] for point in data) for name, data in status.items()} == {"2xx": 2, "5xx": 1}
    for changed in (
        {"metricnames": "Mood"},
        {"$filter": "mood eq 'x'"},
        {"interval": "often"},
        {"interval": "PT0M"},
        {"timespan": "x"},
    ):
        assert cloud.call("GET", path, "2024-02-01", params={**query, **changed}).status_code == 400
    stack.client.container_apps.begin_delete(stack.group, "watched").result()
