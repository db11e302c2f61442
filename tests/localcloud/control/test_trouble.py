"""Time and trouble on demand, as clients see it. The clock is put ahead; nobody waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from azure.core.exceptions import HttpResponseError
from azure.mgmt.network import NetworkManagementClient

from ..conftest import LOCATION, Cloud, code_of, wait_for

NETWORK = {"location": LOCATION, "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/24"]}}}


@pytest.fixture
def troubled(cloud: Cloud, group: str) -> Iterator[Cloud]:
    # the group outlives the trouble: its deletion is not to meet it
    yield cloud
    cloud.call("DELETE", "/_local/trouble")
    order(cloud, latency="none", speed=1)


def order(cloud: Cloud, **wanted: Any) -> requests.Response:
    return cloud.call("PATCH", "/_local/trouble", json=wanted)


def advance(cloud: Cloud, seconds: float) -> None:
    assert cloud.call("PUT", "/_local/clock", json={"advance": seconds}).status_code == 200


def network_of(cloud: Cloud, group: str) -> str:
    return f"{cloud.scope}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/net"


def state(cloud: Cloud, path: str) -> str:
    return str(cloud.call("GET", path).json()["properties"]["provisioningState"])


def test_an_operation_lasts_as_long_as_recorded_by_a_clock_that_can_be_driven(troubled: Cloud, group: str) -> None:
    # 30 seconds were recorded for a zone: 300 at this speed
    order(troubled, latency="recorded", speed=0.1)
    zone = f"{troubled.scope}/resourceGroups/{group}/providers/Microsoft.Network/privateDnsZones/recorded.example"
    troubled.call("PUT", zone, "2024-06-01", json={"location": "global"})
    assert state(troubled, zone) == "Updating"
    advance(troubled, 300)
    order(troubled, latency="none")
    wait_for(lambda: state(troubled, zone) == "Succeeded")


def test_the_nth_call_answers_as_the_rule_says(troubled: Cloud, group: str) -> None:
    path = network_of(troubled, group)
    order(
        troubled, faults=[{"match": f"GET */{group}/*NET", "answer": "503", "first": 2, "times": 1, "retry_after": 7}]
    )
    seen = [troubled.call("GET", path) for _ in range(3)]
    assert [answer.status_code for answer in seen] == [404, 503, 404]
    assert seen[1].json()["error"]["code"] == "ServerTimeout"
    assert seen[1].headers["Retry-After"] == "7"
    assert [call["fault"] for call in troubled.calls()[-3:]] == [None, "503", None]


@pytest.mark.parametrize(("after", "then"), [(False, 404), (True, 200)])
def test_a_reset_connection_before_or_after_the_call_took_effect(
    troubled: Cloud, group: str, after: bool, then: int
) -> None:
    path = network_of(troubled, group)
    order(troubled, faults=[{"match": "PUT ~/virtualNetworks/net$", "answer": "reset", "after": after, "times": 1}])
    with pytest.raises(requests.ConnectionError):
        troubled.call("PUT", path, json=NETWORK)
    assert troubled.call("GET", path).status_code == then
    wait_for(lambda: troubled.call("GET", path).json().get("properties", {}).get("provisioningState") != "Updating")


def test_an_operation_fails_as_ordered(troubled: Cloud, group: str) -> None:
    order(
        troubled, faults=[{"match": "PUT */virtualNetworks/*", "answer": "fail", "code": "Odd", "message": "So be it."}]
    )
    networks = troubled.client(NetworkManagementClient).virtual_networks
    with pytest.raises(HttpResponseError) as failed:
        networks.begin_create_or_update(group, "net", NETWORK, polling_interval=0).result()
    assert code_of(failed.value) == "Odd"
    assert state(troubled, network_of(troubled, group)) == "Failed"


def test_an_operation_without_end_ends_when_the_faults_are_cleared(troubled: Cloud, group: str) -> None:
    path = network_of(troubled, group)
    order(troubled, faults=[{"match": "PUT */virtualNetworks/*", "answer": "never"}])
    troubled.call("PUT", path, json=NETWORK)
    advance(troubled, 100_000)
    assert state(troubled, path) == "Updating"
    troubled.call("DELETE", "/_local/trouble")
    wait_for(lambda: state(troubled, path) == "Succeeded")


def test_too_many_calls_are_throttled_until_the_bucket_fills_again(troubled: Cloud, group: str) -> None:
    path = network_of(troubled, group)
    order(troubled, throttle={"reads": 0.01, "burst": 200})
    first, second, third = (troubled.call("GET", path) for _ in range(3))
    assert [first.status_code, second.status_code, third.status_code] == [404, 404, 429]
    left = "x-ms-ratelimit-remaining-subscription-reads"
    assert [answer.headers[left] for answer in (first, second, third)] == ["1", "0", "0"]
    assert third.json()["error"]["code"] == "SubscriptionRequestsThrottled"
    assert 50 < int(third.headers["Retry-After"]) <= 100
    advance(troubled, 100)
    assert troubled.call("GET", path).status_code == 404
    assert troubled.call("HEAD", path).status_code == 429


def test_trouble_outlives_the_daemon(fresh: Cloud) -> None:
    order(fresh, latency="recorded", speed=40, role_delay=5, faults=[{"match": "GET */gone", "answer": "500"}])
    kept = fresh.call("GET", "/_local/trouble").json()
    fresh.stop()
    fresh.start()
    assert fresh.call("GET", "/_local/trouble").json() == kept


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"faults": [{"match": "PUT */x", "answer": "200"}]}, "neither an error status"),
        ({"faults": [{"match": "PUT", "answer": "500"}]}, "METHOD PATH"),
        ({"faults": [{"match": "PUT ~(", "answer": "500"}]}, "regular expression"),
        ({"faults": [{"match": "PUT */x", "answer": "500", "nht": 1}]}, "has no nht"),
        ({"faults": [{"match": 1, "answer": "500"}]}, "wrong type for match"),
        ({"faults": [{"match": "PUT */x", "answer": "500", "first": "1"}]}, "wrong type for first"),
        ({"latency": "slow"}, "none, recorded"),
        ({"speed": 0}, "more than 0"),
        ({"throttle": {"reads": "many"}}, "number"),
    ],
    ids=range(9),
)
def test_what_cannot_be_is_refused_with_the_reason(troubled: Cloud, wanted: dict[str, Any], why: str) -> None:
    before = troubled.call("GET", "/_local/trouble").json()
    answer = order(troubled, **wanted)
    assert answer.status_code == 400
    assert why in answer.json()["error"]["message"]
    assert troubled.call("GET", "/_local/trouble").json() == before


def test_trouble_is_ordered_with_a_token_only(cloud: Cloud) -> None:
    url = cloud.endpoint["arm"] + "/_local/trouble"
    assert requests.delete(url, verify=cloud.endpoint["ca_file"], timeout=120).status_code == 401


@pytest.mark.parametrize("seconds", ["-1", "1e400", "NaN", "1e12"])
def test_the_clock_goes_ahead_by_what_is_a_time_alone(cloud: Cloud, seconds: str) -> None:
    answer = cloud.call("PUT", "/_local/clock", data=f'{{"advance": {seconds}}}')
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidTrouble")
