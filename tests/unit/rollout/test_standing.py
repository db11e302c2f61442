"""What an app's revisions and traffic tell: who serves, what was interrupted, what to go back to. Tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chatops.rollout.revisions import Revision
from chatops.rollout.standing import (
    GATE,
    PREVIOUS,
    Standing,
    as_it_serves,
    changes_what_runs,
    last_good,
    remembering,
    standing,
    with_labels,
)

AGES = {"old": "2026-01-01T00:00:00", "now": "2026-01-02T00:00:00", "new": "2026-01-03T00:00:00"}


def revision(name: str, active: bool = False, **properties: Any) -> Revision:
    template = {"containers": [{"name": "app", "image": f"r/app@sha256:{name}"}]}
    body = {"name": name, "properties": {"createdTime": AGES[name], "active": active, "template": template}}
    body["properties"] |= properties
    return Revision.of(body)


def app(mode: str, latest: str, *traffic: dict[str, Any], ready: str = "", **tags: str) -> dict[str, Any]:
    configuration = {"activeRevisionsMode": mode, "ingress": {"traffic": list(traffic)}}
    template = {"containers": [{"name": "app", "image": "r/app@sha256:latest"}]}
    names = {"latestRevisionName": latest, "latestReadyRevisionName": ready or latest}
    return {"tags": tags, "properties": {"configuration": configuration, "template": template, **names}}


def to(name: str, weight: int) -> dict[str, Any]:
    return {"revisionName": name, "weight": weight}


LATEST = {"latestRevision": True, "weight": 100}
ALL = ("old", "now", "new")
CASES = [
    # mode, latest, traffic, active -> serving, others, settled, said
    ("Single", "now", [LATEST], ("now",), "now", (), True, "serves its latest revision"),
    ("Multiple", "new", [to("now", 100)], ("now",), "now", (), True, "pinned to revision now"),
    (
        "Multiple",
        "new",
        [to("now", 100)],
        ("now", "new"),
        "now",
        ("new",),
        False,
        "now serves, beside it new",
    ),
    (
        "Multiple",
        "new",
        [to("now", 90), to("new", 10)],
        ("now", "new"),
        "now",
        ("new",),
        False,
        "a part",
    ),
    (
        "Multiple",
        "new",
        [to("now", 50), to("new", 50)],
        ("now", "new"),
        "now",
        ("new",),
        False,
        "a part",
    ),
    (
        "Multiple",
        "new",
        [to("now", 0), to("new", 100)],
        ("now", "new"),
        "new",
        ("now",),
        False,
        "beside it now",
    ),
    ("Multiple", "new", [to("new", 100)], ("new",), "new", (), True, "pinned to revision new"),
    ("Multiple", "new", [LATEST], ("now", "new"), "new", ("now",), False, "beside it now"),
    ("Multiple", "new", [LATEST], ("new",), "new", (), False, "a part"),
    ("Multiple", "new", [], ("new",), "new", (), False, "new serves"),
]


@pytest.mark.parametrize(("mode", "latest", "traffic", "active", "serving", "others", "settled", "said"), CASES)
def test_standing(
    mode: str,
    latest: str,
    traffic: list[dict[str, Any]],
    active: tuple[str, ...],
    serving: str,
    others: tuple[str, ...],
    settled: bool,
    said: str,
) -> None:
    found = standing(app(mode, latest, *traffic), [revision(name, name in active) for name in ALL])
    assert (found.serving, found.others, found.settled) == (serving, others, settled)
    assert said in str(found)


BLUE = {"label": "blue"}


def test_what_has_a_label_is_no_leftover() -> None:
    body = app("Multiple", "new", to("new", 100), to("now", 0) | BLUE)
    found = standing(body, [revision("old"), revision("now", True), revision("new", True)])
    assert (found.serving, found.others, found.pinned) == ("new", (), True)


@pytest.mark.parametrize(
    ("what", "before", "traffic", "expected"),
    [
        ("nothing to keep", [to("now", 100)], [to("new", 100)], [to("new", 100)]),
        (
            "on one that loses its share",
            [to("now", 100) | BLUE],
            [to("new", 100)],
            [to("new", 100), to("now", 0) | BLUE],
        ),
        ("on who keeps it", [to("now", 100) | BLUE], [to("now", 100)], [to("now", 100) | BLUE]),
        ("on another one", [to("old", 0) | BLUE], [to("now", 100)], [to("now", 100), to("old", 0) | BLUE]),
        ("on the latest, whose name it gets", [LATEST | BLUE], [to("new", 100)], [to("new", 100) | BLUE]),
        (
            "two on one",
            [to("now", 100) | BLUE, to("now", 0) | {"label": "green"}],
            [to("now", 100)],
            [to("now", 100) | BLUE, to("now", 0) | {"label": "green"}],
        ),
    ],
)
def test_labels_stay_where_they_are(
    what: str, before: list[dict[str, Any]], traffic: list[dict[str, Any]], expected: list[dict[str, Any]]
) -> None:
    assert with_labels(traffic, app("Multiple", "new", *before)) == expected, what


def test_in_single_mode_the_one_that_serves_is_the_one_that_was_ready() -> None:
    assert standing(app("Single", "new", LATEST, ready="now"), []).serving == "now"


def test_a_pinned_app_is_shown_as_its_users_have_it() -> None:
    body = app("Multiple", "new", to("now", 100))
    revisions = [revision("now", True), revision("new")]
    shown = as_it_serves(body, standing(body, revisions), revisions[0])
    assert shown["properties"]["template"] == revisions[0].template
    assert shown["properties"]["latestRevisionName"] == "now"
    assert shown["properties"]["configuration"]["activeRevisionsMode"] == "Single"
    assert body["properties"]["configuration"]["activeRevisionsMode"] == "Multiple"


def at_rest(serving: str) -> Standing:
    return Standing(True, serving, serving)


@pytest.mark.parametrize(
    ("what", "serving", "beside", "expected"),
    [
        ("a rollout before its traffic is taken back", "now", ("new",), "now"),
        ("a rollout with the traffic is taken back", "new", ("now",), "now"),
        ("a rollback before its traffic goes on", "new", ("old",), "old"),
        ("a rollback with the traffic has only to end the other", "old", ("new",), "old"),
        ("what a killed rollout left is not in the way of a killed rollback", "now", ("old", "new"), "now"),
    ],
)
def test_the_way_back_after_an_interruption(what: str, serving: str, beside: tuple[str, ...], expected: str) -> None:
    """The tag still names what served before the last rollout that ended."""
    revisions = [revision(name, name in (serving, *beside)) for name in ALL]
    body = app("Multiple", "new", to(serving, 100), **{PREVIOUS: "old"})
    found = last_good(body, revisions, standing(body, revisions))
    assert found is not None, what
    assert found.name == expected, what


def test_last_good_is_who_served_before_by_the_tag() -> None:
    body = app("Single", "new", LATEST, **{PREVIOUS: "old"})
    found = last_good(body, [revision(name) for name in ALL], at_rest("new"))
    assert found and found.name == "old"


@pytest.mark.parametrize(
    ("what", "tag", "change", "expected"),
    [
        ("without a tag the newest older one", "", {}, "now"),
        ("a tag with nothing behind it counts for nothing", "gone", {}, "now"),
        ("one that failed was never good", "", {"provisioning": "Failed"}, "old"),
        ("one that runs the same is no way back", "", {"template": revision("new").template}, "old"),
    ],
)
def test_last_good_otherwise(what: str, tag: str, change: dict[str, Any], expected: str) -> None:
    revisions = [revision("old"), replace(revision("now"), **change), revision("new", True)]
    found = last_good(app("Single", "new", LATEST, **{PREVIOUS: tag}), revisions, at_rest("new"))
    assert found is not None, what
    assert found.name == expected, what


@pytest.mark.parametrize(
    ("what", "serving", "tag", "expected"),
    [
        ("each that served, one after the other", "now", "now,old", "old"),
        ("never forward", "old", "now,old", None),
        ("never to one that the gate refused in between", "new", "old", "old"),
        ("nor to one that never served", "now", "now", None),
    ],
)
def test_the_way_back_after_a_rollback(what: str, serving: str, tag: str, expected: str | None) -> None:
    body = app("Multiple", "new", **{PREVIOUS: tag})
    found = last_good(body, [revision(name) for name in ALL], at_rest(serving))
    assert (found and found.name) == expected, what


def test_the_way_back_does_not_lead_to_what_was_before_the_first_that_passed_the_gate() -> None:
    revisions = [revision(name) for name in ALL]
    assert last_good(app("Single", "now", LATEST, **{GATE: "now"}), revisions, at_rest("now")) is None
    found = last_good(app("Single", "new", LATEST, **{GATE: "now"}), revisions, at_rest("new"))
    assert found and found.name == "now"


def test_the_tag_remembers_who_served_each_once_and_no_more_than_azure_takes() -> None:
    body = app("Single", "new", theirs="too", **{PREVIOUS: "now,old"})
    assert remembering(body, "new") == {"theirs": "too", PREVIOUS: "new,now,old"}
    assert remembering(body, "old")[PREVIOUS] == "old,now"
    body["tags"][PREVIOUS] = ",".join(f"revision--{number:03}" for number in range(20))
    found = remembering(body, "newest")[PREVIOUS]
    assert found.split(",")[:2] == ["newest", "revision--000"]
    assert len(found) <= 256 and len(found.rpartition(",")[2]) == len("revision--000")


def test_the_first_revision_has_nothing_behind_it() -> None:
    assert last_good(app("Single", "old", LATEST), [revision("old", True)], at_rest("old")) is None


@pytest.mark.parametrize(
    ("change", "proves"),
    [
        ({}, False),
        ({"resources": {"cpu": 2}}, False),
        ({"image": "R/app@sha256:LATEST"}, False),
        ({"image": "r/app@sha256:other"}, True),
        ({"env": [{"name": "A", "value": "1"}]}, True),
        ({"env": [{"name": "A", "secretRef": "a"}]}, True),
    ],
)
def test_what_only_a_rollout_may_change(change: dict[str, Any], proves: bool) -> None:
    before, after = app("Single", "new"), app("Single", "new")
    after["properties"]["template"]["containers"][0] |= change
    assert changes_what_runs(before, after) is proves
