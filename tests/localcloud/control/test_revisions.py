"""Several active revisions of one app: traffic by weight and by label, activation, and what Azure shows of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from ..conftest import LOCATION, code_of, wait_for
from .conftest import Stack


class Revised:
    """One app in Multiple mode, and what the tests do to it."""

    def __init__(self, stack: Stack, name: str) -> None:
        self.stack = stack
        self.name = name
        self.revisions = stack.client.container_apps_revisions

    def begin(self, suffix: str, traffic: list[dict[str, Any]], **env: str) -> Any:
        """Put the app with a new revision; returns without knowing whether that will ever be ready."""
        body = self.stack.body(**env)
        body["properties"]["template"]["revisionSuffix"] = suffix
        body["properties"]["configuration"]["activeRevisionsMode"] = "multiple"
        body["properties"]["configuration"]["ingress"]["traffic"] = traffic
        return self.stack.put(self.name, body)

    def patch(self, **configuration: Any) -> None:
        body: Any = {"location": LOCATION, "properties": {"configuration": configuration}}
        self.stack.client.container_apps.begin_update(self.stack.group, self.name, body).result()

    def split(self, *traffic: dict[str, Any]) -> None:
        self.patch(ingress={"traffic": list(traffic)})

    def share(self, suffix: str, weight: int, **more: Any) -> dict[str, Any]:
        return {"revisionName": f"{self.name}--{suffix}", "weight": weight, **more}

    def see(self, suffix: str) -> Any:
        return self.revisions.get_revision(self.stack.group, self.name, f"{self.name}--{suffix}").properties

    def becomes(self, suffix: str, state: str) -> None:
        wait_for(lambda: self.see(suffix).running_state == state)

    def act(self, action: str, suffix: str) -> None:
        verb = {"activate": self.revisions.activate_revision, "deactivate": self.revisions.deactivate_revision}
        verb.get(action, self.revisions.restart_revision)(self.stack.group, self.name, f"{self.name}--{suffix}")

    def ask(self, host: str | None = None) -> requests.Response:
        app = self.stack.client.container_apps.get(self.stack.group, self.name)
        fqdn = host or app.properties.configuration.ingress.fqdn
        return requests.get(self.stack.cloud.endpoint["ingress"], headers={"Host": fqdn}, timeout=120)

    def answers(self, times: int) -> Counter[str]:
        return Counter(self.ask().json()["GREETING"] for _ in range(times))


LATEST = {"latestRevision": True, "weight": 100}


@pytest.fixture
def app(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Revised]:
    name = "rev-" + str(abs(hash(request.node.name)))[:12]
    app = Revised(stack, name)
    app.begin("one", [LATEST], GREETING="one")
    app.becomes("one", "Running")
    yield app
    stack.client.container_apps.begin_delete(stack.group, name).result()


def test_a_new_revision_without_traffic_answers_only_at_its_own_name(app: Revised) -> None:
    app.begin("two", [app.share("one", 100)], GREETING="two")
    app.becomes("two", "Running")
    assert set(app.answers(20)) == {"one"}
    new = app.see("two")
    assert (new.active, new.traffic_weight, new.replicas) == (True, 0, 1)
    assert (new.health_state, new.provisioning_state) == ("Healthy", "Provisioned")
    assert new.fqdn.startswith(f"{app.name}--two.")
    assert app.ask(new.fqdn).json()["GREETING"] == "two"
    assert app.see("one").traffic_weight == 100
    found = app.stack.client.container_apps.get(app.stack.group, app.name).properties
    assert found.latest_ready_revision_name == found.latest_revision_name == f"{app.name}--two"
    made = app.revisions.get_revision(app.stack.group, app.name, f"{app.name}--two").system_data
    assert made.created_by == app.stack.cloud.operator


def test_traffic_is_split_by_weight_and_labels_have_names_of_their_own(app: Revised) -> None:
    app.begin("two", [app.share("one", 100)], GREETING="two")
    app.becomes("two", "Running")
    app.split(app.share("one", 50), app.share("two", 50, label="next"))
    counted = app.answers(60)
    assert set(counted) == {"one", "two"}  # missing either is a chance of 2 in 2^60
    domain = app.see("one").fqdn.partition(".")[2]
    assert app.ask(f"{app.name}---next.{domain}").json()["GREETING"] == "two"
    assert app.ask(f"{app.name}---other.{domain}").status_code == 404
    app.split(app.share("one", 0), app.share("two", 100))
    assert set(app.answers(20)) == {"two"}


def test_a_revision_that_fails_shows_why_and_touches_nobody(app: Revised) -> None:
    app.begin("bad", [app.share("one", 100)], CRASH="boom")
    app.becomes("bad", "Failed")
    bad = app.see("bad")
    assert (bad.provisioning_state, bad.health_state, bad.traffic_weight) == ("Failed", "Unhealthy", 0)
    assert "exited with code 3, 4 times in a row" in bad.provisioning_error
    assert set(app.answers(5)) == {"one"}
    app.act("deactivate", "bad")
    bad = app.see("bad")
    assert (bad.active, bad.running_state, bad.provisioning_state) == (False, "Stopped", "Failed")
    wait_for(lambda: app.see("bad").replicas == 0)


def test_latest_takes_over_only_when_it_is_ready(app: Revised, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    app.begin("two", [LATEST], GREETING="two", GATE=str(gate))
    assert set(app.answers(5)) == {"one"}
    assert app.see("two").running_state == "Processing"
    gate.touch()
    app.becomes("two", "Running")
    assert set(app.answers(5)) == {"two"}


def test_an_inactive_revision_can_be_activated_again(app: Revised) -> None:
    app.begin("two", [LATEST], GREETING="two")
    app.becomes("two", "Running")
    app.patch(activeRevisionsMode="Single", ingress={"traffic": [LATEST]})
    assert (app.see("one").active, app.see("two").active) == (False, True)
    app.patch(activeRevisionsMode="Multiple", ingress={"traffic": [app.share("two", 100)]})
    app.act("activate", "one")
    app.becomes("one", "Running")
    assert set(app.answers(5)) == {"two"}
    app.split(app.share("one", 100))
    app.act("deactivate", "two")
    assert set(app.answers(5)) == {"one"}


def test_back_in_single_mode_the_latest_revision_is_the_only_one(app: Revised) -> None:
    app.begin("two", [app.share("one", 100)], GREETING="two")
    app.patch(activeRevisionsMode="Single", ingress={"traffic": [LATEST]})
    assert set(app.answers(5)) == {"two"}
    assert {one.name: one.properties.active for one in app.revisions.list_revisions(app.stack.group, app.name)} == {
        f"{app.name}--one": False,
        f"{app.name}--two": True,
    }


def test_only_as_many_inactive_revisions_are_kept_as_the_app_says(app: Revised) -> None:
    app.patch(activeRevisionsMode="Single", maxInactiveRevisions=1, ingress={"traffic": [LATEST]})
    for greeting in ("two", "three"):
        body = app.stack.body(GREETING=greeting)
        body["properties"]["configuration"]["maxInactiveRevisions"] = 1
        body["properties"]["template"]["revisionSuffix"] = greeting
        app.stack.put(app.name, body)
    with pytest.raises(ResourceNotFoundError):
        app.see("one")
    assert [app.see("two").active, app.see("three").active] == [False, True]


def test_a_restart_brings_fresh_replicas_and_no_failed_request(app: Revised) -> None:
    def replica() -> str:
        found = app.stack.client.container_apps_revision_replicas.list_replicas(
            app.stack.group, app.name, f"{app.name}--one"
        ).value
        return str(found[0].name)

    before = replica()
    app.act("restart", "one")
    assert set(app.answers(5)) == {"one"}
    wait_for(lambda: replica() != before)


@pytest.mark.parametrize(
    ("traffic", "code"),
    [
        ([{"latestRevision": True, "weight": 90}], "ContainerAppInvalidTrafficWeight"),
        ([{"revisionName": "nobody--1", "weight": 100}], "ContainerAppInvalidTrafficRevision"),
        ([{"weight": 100}], "ContainerAppInvalidTrafficRevision"),
    ],
)
def test_traffic_that_azure_refuses(app: Revised, traffic: list[dict[str, Any]], code: str) -> None:
    with pytest.raises(HttpResponseError) as caught:
        app.split(*traffic)
    assert (caught.value.status_code, code_of(caught.value)) == (400, code)
    assert set(app.answers(2)) == {"one"}


def test_traffic_for_an_inactive_revision_is_taken_and_nobody_answers(app: Revised) -> None:
    """As reported of Azure: microsoft/azure-container-apps issue 1345."""
    app.begin("two", [app.share("one", 100)], GREETING="two")
    app.act("deactivate", "one")
    assert app.ask().status_code == 503
    app.act("activate", "one")
    assert set(app.answers(2)) == {"one"}
