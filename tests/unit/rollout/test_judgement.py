"""What the gate makes of what Azure shows: states, containers, a smoke test's output, counted requests."""

from __future__ import annotations

from typing import Any

import pytest

from chatops.cli.deploy import weights_of
from chatops.errors import UsageError
from chatops.rollout.gate import verdict_in
from chatops.rollout.metrics import Requests, counted
from chatops.rollout.revisions import Revision
from chatops.rollout.rollout import replacing
from chatops.rollout.verdict import Container, Verdict, judge

UP = Container(True, 0, "")
DEAF = Container(False, 0, "Readiness probe failed: GET /ready: connection refused")
CRASHED = Container(False, 3, "exited with code 1")


def revision(**properties: Any) -> Revision:
    return Revision.of({"name": "app--1", "properties": properties})


PROVISIONED = {"provisioningState": "Provisioned", "healthState": "Healthy", "runningState": "Running"}
CASES = [
    (None, [], Verdict.WAITING, ""),
    (revision(provisioningState="Provisioning", healthState="None"), [], Verdict.WAITING, ""),
    (revision(provisioningState="Provisioning"), [DEAF], Verdict.WAITING, "connection refused"),
    (revision(**PROVISIONED), [UP], Verdict.READY, ""),
    (revision(**PROVISIONED | {"runningState": "RunningAtMaxScale"}), [UP], Verdict.READY, ""),
    (revision(**PROVISIONED | {"healthState": "None", "runningState": "ScaledToZero"}), [], Verdict.READY, ""),
    (revision(**PROVISIONED | {"healthState": "Unhealthy"}), [DEAF], Verdict.WAITING, "connection refused"),
    (
        revision(provisioningState="Provisioning"),
        [CRASHED],
        Verdict.FAILED,
        "crashes: its container was started 4",
    ),
    (revision(provisioningState="Failed"), [DEAF], Verdict.FAILED, "failed to start: Readiness probe failed"),
    (revision(provisioningState="Failed", provisioningError="no quota\nat all"), [], Verdict.FAILED, "no quota"),
    (revision(runningState="Failed"), [], Verdict.FAILED, "Azure gives no reason"),
]


@pytest.mark.parametrize(("seen", "containers", "outcome", "why"), CASES)
def test_judgement(seen: Revision | None, containers: list[Container], outcome: Verdict, why: str) -> None:
    found = judge(seen, containers)
    assert found.outcome is outcome
    assert why in found.why
    assert "\n" not in found.why


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ('{"ok": true, "did": "x"}\n', {"ok": True, "did": "x"}),
        ('warning: old\n{"ok": false, "why": "y"}\r\nbye\n', {"ok": False, "why": "y"}),
        ("No module named lm_api.smoke", None),
        ('{"status": "fine"}\n[1]\n', None),
        ("", None),
    ],
)
def test_the_smoke_tests_line_is_found_among_others(output: str, expected: object) -> None:
    assert verdict_in(output) == expected


def series(revision: str, category: str, *totals: float | None) -> dict[str, Any]:
    named = {"revisionName": revision, "statusCodeCategory": category}
    values = [{"name": {"value": name}, "value": value} for name, value in named.items()]
    return {"metadatavalues": values, "data": [{"timeStamp": "t", "total": total} for total in totals]}


def test_requests_are_counted_by_revision_and_failure() -> None:
    body = {"value": [{"timeseries": [series("a", "2xx", 90, 5), series("a", "5xx", 5), series("b", "4xx", 7, None)]}]}
    found = counted(body)
    assert found == {"a": Requests(100, 5), "b": Requests(7, 0)}
    assert found["a"].rate == 0.05
    assert Requests().rate == 0


def test_a_template_is_replaced_whole_by_a_merge_patch() -> None:
    before = {"revisionSuffix": "x", "volumes": [1], "scale": {"minReplicas": 1, "rules": []}, "containers": ["a"]}
    after = {"scale": {"minReplicas": 2}, "containers": ["b"]}
    assert replacing(before, after) == {
        "revisionSuffix": None,
        "volumes": None,
        "scale": {"minReplicas": 2, "rules": None},
        "containers": ["b"],
    }


@pytest.mark.parametrize(
    ("said", "expected"), [(None, (100,)), ("10,50,100", (10, 50, 100)), ("5, 25", (5, 25, 100)), ("100", (100,))]
)
def test_canary_steps(said: str | None, expected: tuple[int, ...]) -> None:
    assert weights_of(said) == expected


@pytest.mark.parametrize("said", ["", "ten", "0,100", "50,10", "10,10,100", "101", "-5", "10,,100"])
def test_canary_steps_that_are_none(said: str) -> None:
    with pytest.raises(UsageError, match="--canary"):
        weights_of(said)
