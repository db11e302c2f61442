"""What counts as a difference, and what an update sends."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.engine.diff import changes, merge, restrict

EQUAL = [
    ({"cpu": 0.5}, {"cpu": "0.50"}),
    ({"memory": "1Gi"}, {"memory": "1.0Gi"}),
    ({"location": "Germany West Central"}, {"location": "germanywestcentral"}),
    ({"id": "/subscriptions/S/resourceGroups/RG"}, {"id": "/subscriptions/s/resourcegroups/rg/"}),
    ({"tags": {"a": "1"}}, {"tags": {"a": "1", "theirs": "2"}}),
    ({"rules": []}, {}),
    ({"rules": []}, {"rules": None}),
    ({"identity": {"/A/B": {}}}, {"identity": {"/a/b": {"principalId": "p"}}}),
    (
        {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
        {"env": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]},
    ),
    ({"registries": [{"server": "x"}]}, {"registries": [{"server": "x", "username": ""}]}),
]

DIFFERENT = [
    ({"cpu": 0.5}, {"cpu": 0.25}, ["cpu"]),
    ({"memory": "1Gi"}, {"memory": "1Mi"}, ["memory"]),
    ({"enabled": True}, {"enabled": 1}, ["enabled"]),
    ({"enabled": True}, {"enabled": "True"}, ["enabled"]),
    ({"name": "Chat"}, {"name": "chat"}, ["name"]),
    ({"a": {"b": 1}}, {}, ["a.b"]),
    ({"a": {"b": 1}}, {"a": "text"}, ["a.b"]),
    ({"identity": {"/A/B": {}}}, {"identity": {}}, ["identity./A/B"]),
    ({"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "A", "value": "2"}]}, ["env[A].value"]),
    ({"prefixes": ["10.0.0.0/24"]}, {"prefixes": ["10.0.0.0/24", "10.1.0.0/24"]}, ["prefixes"]),
]


@pytest.mark.parametrize(("declared", "observed"), EQUAL)
def test_equal_meanings_are_no_change(declared: dict[str, Any], observed: dict[str, Any]) -> None:
    assert changes(declared, observed) == []


@pytest.mark.parametrize(("declared", "observed", "paths"), DIFFERENT)
def test_differences_are_named_by_path(declared: dict[str, Any], observed: dict[str, Any], paths: list[str]) -> None:
    assert [change.path for change in changes(declared, observed)] == paths


def test_what_is_not_declared_stays_unless_the_list_is_wholly_ours() -> None:
    declared = {"env": [{"name": "A", "value": "1"}], "domains": [{"name": "ours"}]}
    observed = {"env": [{"name": "B", "value": "2"}], "domains": [{"name": "theirs", "certificate": "c"}], "other": 1}
    exact = frozenset({"env"})

    merged = merge(declared, observed, exact)

    assert merged["env"] == [{"name": "A", "value": "1"}]
    assert merged["domains"] == [{"name": "ours"}, {"name": "theirs", "certificate": "c"}]
    assert merged["other"] == 1
    assert [c.path for c in changes(declared, observed, exact)] == [
        "env[A].name",
        "env[A].value",
        "env[B]",
        "domains[ours].name",
    ]


def test_a_patch_holds_only_the_branch_that_changes() -> None:
    declared = {
        "location": "x",
        "properties": {"template": {"scale": {"min": 1, "max": 6}, "containers": [{"name": "a"}]}},
    }
    observed = {
        "location": "x",
        "properties": {"template": {"scale": {"min": 1, "max": 5}, "containers": [{"name": "a"}]}},
    }

    assert restrict(declared, observed, merge(declared, observed)) == {
        "properties": {"template": {"scale": {"max": 6}}}
    }


def test_a_patch_keeps_lists_whole() -> None:
    declared = {"containers": [{"name": "a", "image": "new"}]}
    observed = {"containers": [{"name": "a", "image": "old", "probes": [1]}, {"name": "sidecar"}]}

    patch = restrict(declared, observed, merge(declared, observed))

    assert patch == {"containers": [{"name": "a", "image": "new", "probes": [1]}, {"name": "sidecar"}]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from("abc"), JSON), st.dictionaries(st.sampled_from("abcd"), JSON))
def test_a_merged_resource_has_nothing_left_to_change(declared: dict[str, Any], observed: dict[str, Any]) -> None:
    assert changes(declared, merge(declared, observed)) == []


@given(st.dictionaries(st.sampled_from("abc"), JSON))
def test_a_resource_does_not_differ_from_itself(body: dict[str, Any]) -> None:
    assert changes(body, body) == []
