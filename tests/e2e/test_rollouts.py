"""Rollouts end to end: every bad kind named, users unharmed, returns, kills at every step, and what must survive.

The tests run in this order.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
from rehearsal import CHATOPS, Machine
from ruamel.yaml import YAML
from visitors import Visitors

from chatops.azure.clients import Azure
from chatops.azure.cloud import local
from chatops.cli import trouble
from chatops.rollout.revisions import Place, Revision
from chatops.rollout.rollout import look
from chatops.rollout.standing import Standing, labels_of, last_good

pytestmark = pytest.mark.timeout(900)
GOOD_FOR = 60  # seconds; a busy machine takes long to start a process
BAD = {
    "crash": (GOOD_FOR, r"crashes: its container was started \d+ times and never became ready, exited with code 3"),
    "out of memory": (GOOD_FOR, r"crashes: .*killed by signal 9"),
    "wrong port": (20, r"not ready within 20 s: .*connection refused, nothing listens on the port"),
    "slow start": (20, r"not ready within 20 s: .*HTTP status code 503"),
    "hangs": (25, r"not ready within 25 s: .*no answer within 5 s"),
    "500s": (GOOD_FOR, r"failed its smoke test: HTTP 500"),
    "answers nothing": (GOOD_FOR, r"failed its smoke test: an empty answer"),
}
"""Kind -> seconds that it is waited for, and how it has to be named."""
NAMES = {kind: f"drill-{kind.replace(' ', '-')}" for kind in BAD}


class Drill:
    """The stack with a small service for each bad kind; the page's own services are let alone."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.before = machine.config.read_text()
        shutil.copytree(Path(__file__).parent / "drilled", machine.folder / "drilled", dirs_exist_ok=True)

    def write(self, external: tuple[str, ...] = (), **kinds: str) -> None:
        """Let services be of these kinds, by name; all others are good. The page is found while none is external.

        A name that is nobody's is one more service.
        """
        file: Any = YAML().load(self.before)
        scale = {"min": 1, "max": 1}
        for name in (*NAMES.values(), *(name for name in kinds if name not in NAMES.values())):
            kind = kinds.get(name, "good")
            seconds = BAD[kind][0] if kind in BAD else GOOD_FOR
            file["services"][name] = {
                **{"image": "./drilled", "cpu": 0.25, "memory": "0.5Gi", "scale": scale, "ready_within": seconds},
                **{"smoke": "python smoke.py", "env": {"KIND": kind}, "external": name in external},
            }
        with self.machine.config.open("w") as target:
            YAML().dump(file, target)

    @cached_property
    def azure(self) -> Azure:
        return Azure(local(self.machine.home / "cloud" / "endpoint.json"))

    @property
    def ids(self) -> dict[str, str]:
        return {str(one["id"]).rsplit("/", 1)[1]: str(one["id"]) for one in self.azure.inventory("chat-rg")}

    def stands(self, name: str) -> tuple[Standing, list[Revision]]:
        place = Place(self.ids[name])
        return look(self.azure, place)[1], place.revisions(self.azure)

    def way_back(self, name: str) -> str:
        """The revision that a rollback without `--to` goes to."""
        place = Place(self.ids[name])
        back = last_good(place.app(self.azure) or {}, place.revisions(self.azure), self.stands(name)[0])
        assert back
        return back.name

    def kill(self, step: str, before: tuple[str, int], *words: str, of: str = NAMES["crash"]) -> Standing:
        """Run a command, kill it at its report of `step`, and return how that left an app.

        `before` is the call, and which of them, that it does not get past before it is killed.
        """
        match, nth = before
        trouble.order({"faults": [{"match": match, "answer": "hang", "first": nth, "times": 1}]})
        with subprocess.Popen(
            [str(CHATOPS), *words, "--output", "json"],
            cwd=self.machine.folder,
            env=self.machine.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as running:
            assert running.stdout and running.stderr
            reached = any(step in json.loads(line).get("message", "") for line in running.stdout)
            running.kill()
            said = running.stderr.read()
        trouble.clear()
        assert reached, said
        return self.stands(of)[0]

    def serves(self, name: str) -> tuple[Revision, str]:
        """The one active revision of an app at rest, and its kind."""
        now, revisions = self.stands(name)
        assert now.settled, str(now)
        (active,) = (one for one in revisions if one.active)
        assert (active.name, active.traffic, active.health) == (now.serving, 100, "Healthy")
        env = active.template["containers"][0]["env"]
        return active, next(str(one["value"]) for one in env if one["name"] == "KIND")


@pytest.fixture(scope="module")
def drill(stack: Machine) -> Iterator[Drill]:
    drill = Drill(stack)
    drill.write()
    stack.chatops("up", "--yes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHATOPS_HOME", str(stack.home))
        yield drill
    drill.machine.config.write_text(drill.before)
    stack.chatops("up", "--yes")


def test_every_bad_revision_is_named_and_gets_nothing(drill: Drill) -> None:
    drill.write(**{NAMES[kind]: kind for kind in BAD})
    with Visitors(drill.machine.page().rstrip("/"), 1) as visitors:
        ran = drill.machine.chatops("deploy", *NAMES.values(), "--output", "json", code=1)
    failed = {one["address"]: one["error"] for one in ran.objects if one["event"] == "failed"}
    for kind, name in NAMES.items():
        assert re.search(BAD[kind][1], failed[f"app/{name}"]), failed
        assert f"starting, {kind}" in failed[f"app/{name}"] or kind in ("500s", "answers nothing")
        assert drill.serves(name)[1] == "good"
    assert visitors.failures == []
    drill.write()
    assert drill.machine.chatops("plan", "--output", "json").objects[0]["changes"] == 0


NAME = NAMES["crash"]
WRITE, END = f"PATCH */containerApps/{NAME}", f"POST */containerApps/{NAME}/revisions/*/deactivate"
INTERRUPTED = "a rollout or a rollback was interrupted"
STEPS = {
    "waiting until it is ready": (WRITE, 2),
    "smoke test": (WRITE, 2),
    "100 % of the traffic": (WRITE, 3),
    "serves alone from now on": (WRITE, 3),
}
"""What a rollout reports -> the call that it does not get past then."""


@pytest.mark.parametrize("step", STEPS)
def test_a_rollout_that_is_killed_is_finished_by_the_next(drill: Drill, step: str) -> None:
    kind, former = f"good, {step}", drill.serves(NAME)[0].name
    drill.write(**{NAME: kind})
    assert not drill.kill(step, STEPS[step], "deploy", NAME).settled
    assert INTERRUPTED in drill.machine.chatops("deploy", NAME).err
    assert drill.serves(NAME)[1] == kind
    assert drill.way_back(NAME) == former


BACK = {
    "keeps the traffic until": (WRITE, 1),
    "waiting until it is ready": (WRITE, 2),
    "all of the traffic": (WRITE, 2),
    "ends": (END, 1),
}


def test_a_rollback_that_is_killed_is_overruled_by_a_deploy(drill: Drill) -> None:
    latest, former = drill.serves(NAME)[0].name, drill.way_back(NAME)
    assert drill.kill("ends", BACK["ends"], "rollback", NAME).serving == former
    assert INTERRUPTED in drill.machine.chatops("deploy", NAME).err
    assert drill.serves(NAME)[0].name == latest
    assert drill.way_back(NAME) == former


@pytest.mark.parametrize("step", BACK)
def test_a_rollback_that_is_killed_is_finished_by_the_next(drill: Drill, step: str) -> None:
    """Each goes one further back than the one before, and none goes two."""
    former = drill.way_back(NAME)
    left = drill.kill(step, BACK[step], "rollback", NAME)
    assert left.settled == (step == "keeps the traffic until")
    said = drill.machine.chatops("rollback", NAME).out
    assert left.settled or INTERRUPTED in said
    assert drill.serves(NAME)[0].name == former


def test_a_rollback_goes_to_who_served_before_and_what_chatops_did_not_set_survives(drill: Drill) -> None:
    apps = drill.azure.container_apps.container_apps
    secrets = [{"name": "theirs", "value": "kept-by-value"}]
    foreign: Any = {
        "location": "germanywestcentral",
        "tags": {"theirs": "too"},
        "properties": {"configuration": {"secrets": secrets, "maxInactiveRevisions": 77}},
    }
    apps.begin_update("chat-rg", NAME, foreign).result()
    drill.write(**{NAME: "better"})
    drill.machine.chatops("deploy", NAME)
    drill.write(**{NAME: "500s"})
    drill.machine.chatops("deploy", NAME, code=1)
    assert drill.serves(NAME)[1] == "better"
    listed = drill.machine.chatops("revisions", NAME, "--output", "json").objects
    back = next(one["revision"] for one in listed if one["note"] == "rollback goes here")
    ran = drill.machine.chatops("rollback", NAME)
    assert f"serves {back}" in ran.err
    assert "the next `chatops up` deploys that again" in ran.err
    assert drill.serves(NAME)[0].name == back
    body = drill.azure.read(drill.ids[NAME], "2026-01-01") or {}
    assert body["tags"]["theirs"] == "too"
    assert body["properties"]["configuration"]["maxInactiveRevisions"] == 77
    assert {one.name: one.value for one in apps.list_secrets("chat-rg", NAME).value} == {"theirs": "kept-by-value"}


def test_labels_that_others_have_set_survive_a_rollout(drill: Drill) -> None:
    """So does the revision behind them: it goes on answering to its label's name."""
    apps, before = drill.azure.container_apps.container_apps, drill.serves(NAME)[0].name

    def split(*traffic: dict[str, Any]) -> None:
        configuration = {"activeRevisionsMode": "Multiple", "ingress": {"traffic": traffic}}
        body: Any = {"location": "germanywestcentral", "properties": {"configuration": configuration}}
        apps.begin_update("chat-rg", NAME, body).result()

    split({"revisionName": before, "weight": 100, "label": "theirs"})
    drill.write(**{NAME: "beside a label"})
    drill.machine.chatops("deploy", NAME)
    now, revisions = drill.stands(NAME)
    body = drill.azure.read(drill.ids[NAME], "2026-01-01") or {}
    assert labels_of(body) == {"theirs": before}
    assert {one.name: one.traffic for one in revisions if one.active} == {now.serving: 100, before: 0}
    assert now.pinned
    assert drill.way_back(NAME) == before
    assert drill.machine.chatops("plan", "--output", "json").objects[0]["changes"] == 0
    split({"revisionName": now.serving, "weight": 100})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("deploy", "nobody"), "there is no service 'nobody'"),
        (("deploy", "--canary", "50,10"), "each step must be more"),
        (("rollback", "ui", "--to", "ui--nobody"), "has no revision 'ui--nobody'"),
        (("rollback", "--to", "nobody--1"), "no service of this stack has a revision 'nobody--1'"),
    ],
)
def test_bad_input_is_told(drill: Drill, words: tuple[str, ...], said: str) -> None:
    ran = drill.machine.chatops(*words, "--output", "json", code=2)
    assert said in json.loads(ran.err.splitlines()[-1])["error"]["message"]


NEW = "drill-new"


def test_a_new_app_is_up_when_its_first_revision_has_proved_itself(drill: Drill) -> None:
    drill.write(**{NEW: "answers nothing"})
    ran = drill.machine.chatops("up", "--yes", "--output", "json", code=1)
    (failure,) = (one for one in ran.objects if one.get("event") == "failed")
    assert failure["address"] == f"proven/{NEW}"
    assert "failed its smoke test: an empty answer" in failure["error"]
    again = drill.machine.chatops("up", "--yes", code=1)
    # on an overloaded machine the log may not come in time for one of them
    assert "starting, answers nothing" in failure["error"] + again.err
    assert re.search(rf"proof of container app '{NEW}'  {NEW}--\w+ has not passed the gate yet", again.out)

    drill.write(**{NEW: "good at last"})
    write = f"PATCH */containerApps/{NEW}"
    assert drill.kill("smoke test", (write, 2), "up", "--yes", of=NEW).settled
    ran = drill.machine.chatops("up", "--yes")
    assert "has not passed the gate yet" in ran.out
    assert f"smoke test of {drill.serves(NEW)[0].name}: it says good at last" in ran.err
    assert "0 changes" in drill.machine.chatops("up").out


NOBODY = {
    ("rollback", "nobody"): "there is no service 'nobody' in stack 'chat'",
    ("revisions", "nobody"): "there is no service 'nobody' in stack 'chat'",
    ("rollback", "lm-api", "--to", "nobody"): "'lm-api' has no revision 'nobody'",
}


def test_nobody_is_a_wrong_use_of_the_command_line_and_nothing_is_written(drill: Drill) -> None:
    def writes() -> list[str]:
        return [call["path"] for call in drill.machine.journal() if call["method"] not in ("GET", "HEAD")]

    before = writes()
    for words, said in NOBODY.items():
        human = drill.machine.chatops(*words, code=2)
        error, *advice = human.err.splitlines()
        assert (human.out, error, len(advice)) == ("", f"error: {said}", 1)
        program = drill.machine.chatops(*words, "--output", "json", code=2)
        (line,) = program.err.splitlines()
        assert (program.out, json.loads(line)["error"]["message"]) == ("", said)
    assert writes() == before


def test_a_canary_that_fails_its_users_is_taken_back(drill: Drill) -> None:
    """It passes the gate, and then answers users with 500: Azure Monitor's counts tell."""
    drill.write(external=(NAME,), **{NAME: "steady"})
    drill.machine.chatops("deploy", NAME)
    drill.write(external=(NAME,), **{NAME: "fails users"})
    status = drill.machine.chatops("cloud", "status", "--output", "json").objects[0]
    app = drill.azure.read(drill.ids[NAME], "2026-01-01") or {}
    address, host = status["ingress"], app["properties"]["configuration"]["ingress"]["fqdn"]
    stop = threading.Event()

    def visit() -> None:
        while not stop.wait(0.05):
            httpx.get(address, headers={"Host": host}, timeout=120, trust_env=False)

    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        ran = drill.machine.chatops("deploy", NAME, "--canary", "50,100", "--pause", "8", code=1)
    finally:
        stop.set()
        visitor.join()
    assert re.search(r"answered \d+ of \d+ requests with a status of 5xx at 50 % of the traffic", ran.err)
    with httpx.Client(headers={"Host": host}, timeout=120, trust_env=False) as client:
        assert {client.get(address).text for _ in range(10)} == {"steady"}
