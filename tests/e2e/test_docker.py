"""The stack on a real Docker engine, whole: built, pushed and run as containers, with the engine stopped on the way.

The engine is one of our own, so that it may be killed. The tests run in this order.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from e2e.browser import chat, needs_chromium
from engine import OwnEngine, own_engine
from rehearsal import LOCAL_CONFIG, LONGEST, Machine, Person

from chatops.azure.clients import Azure
from chatops.azure.cloud import local

pytestmark = pytest.mark.timeout(900)

ROOT = Path(__file__).parents[2]
IMAGES = {"chat-ui", "db-api", "lm-api"}


@pytest.fixture(scope="module")
def engine_of_our_own() -> Iterator[OwnEngine]:
    with own_engine() as engine:
        yield engine


@pytest.fixture(scope="module")
def harbour(engine_of_our_own: OwnEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with an engine, and a copy of this checkout whose images may be changed."""
    root = tmp_path_factory.mktemp("harbour")
    for part in ("src", "app_images", "configs"):
        shutil.copytree(ROOT / part, root / "checkout" / part, ignore=shutil.ignore_patterns("__pycache__", "training"))
    machine = Machine(root / "folder", root / "home", engine=engine_of_our_own.host)
    machine.variables["PYTHONPATH"] = str(root / "checkout" / "src")
    machine.folder.mkdir()
    shutil.copy(LOCAL_CONFIG, machine.config)
    yield machine
    machine.chatops("cloud", "reset", "--yes")


Event = dict[str, Any]


def up_until(machine: Machine, reached: Callable[[Event], bool], then: Callable[[], None]) -> list[Event]:
    """Run `up`, do something at the first event that is `reached`, and return all events of an `up` that failed."""
    command = [str(machine.command), "up", "--yes", "--output", "json"]
    said, waiting = [], True
    with subprocess.Popen(
        command,
        cwd=machine.folder,
        env=machine.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        assert running.stdout
        for line in running.stdout:
            said.append(json.loads(line))
            if waiting and reached(said[-1]):
                waiting = False
                then()
        code = running.wait(LONGEST)
    assert not waiting and code == 1, said
    return said


def messages(events: list[Event]) -> dict[str, list[str]]:
    """What was reported of each address."""
    found: dict[str, list[str]] = {}
    for event in events:
        if event.get("event") == "progress":
            found.setdefault(event["address"], []).append(event["message"])
    return found


def built(said: list[str]) -> bool:
    return any(message.startswith(("pushing", "waiting for")) for message in said)


def failures(events: list[Event]) -> dict[str, str]:
    return {event["address"]: event["error"] for event in events if event.get("event") == "failed"}


def completed_uploads(machine: Machine) -> int:
    """How many blobs the registry was sent to the end, so far."""
    return sum(
        call["method"] == "PUT" and "/blobs/uploads/" in call["path"] and call["status"] == 201
        for call in machine.journal()
    )


def stored_blobs(machine: Machine) -> set[str]:
    """The digests of all blobs of the images that the file asks for."""
    azure = Azure(local(machine.home / "cloud" / "endpoint.json"))
    found = set()
    for image in machine.chatops("images", "ls", "--output", "json").objects:
        (registry,) = azure.registries.registries.list_by_resource_group("chat-rg")
        manifest = azure.registry(str(registry.name)).get_manifest(image["image"], image["digest"]).manifest
        found |= {manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])}
    return found


def test_an_engine_killed_in_mid_build_is_named(harbour: Machine, engine_of_our_own: OwnEngine) -> None:
    events = up_until(
        harbour,
        lambda event: "RUN pip install" in event.get("message", ""),
        lambda: engine_of_our_own.stop(signal.SIGKILL),
    )
    errors = failures(events)
    assert set(errors) >= {f"image/{image}" for image in IMAGES}
    assert any("stopped answering" in error for error in errors.values())
    engine_of_our_own.start()


def test_an_engine_stopped_in_mid_push_is_named_and_the_next_up_repeats_nothing(
    harbour: Machine, engine_of_our_own: OwnEngine
) -> None:
    first = messages(
        up_until(
            harbour,
            lambda event: "pushing layer" in event.get("message", "") and "(0 of" not in event["message"],
            engine_of_our_own.stop,
        )
    )
    done = {address for address, said in first.items() if built(said)}
    assert done
    engine_of_our_own.start()

    second = messages(harbour.chatops("up", "--yes", "--output", "json").objects)
    for address in done:
        assert not any(message.startswith("step ") for message in second.get(address, ())), "it was built before"
    # one or two may have been sent whole without the engine's having noted it before its end
    assert completed_uploads(harbour) <= len(stored_blobs(harbour)) + 2, "every blob was sent once"


def test_three_images_run_as_containers(harbour: Machine, engine_of_our_own: OwnEngine) -> None:
    names = [container.attrs["Config"]["Image"] for container in engine_of_our_own.client.containers.list()]
    assert {name.rsplit("/", 1)[-1].partition("@")[0] for name in names} >= IMAGES


@needs_chromium
def test_a_person_chats_with_containers(harbour: Machine) -> None:
    chat(harbour.page())


def test_a_second_up_builds_and_pushes_nothing(harbour: Machine) -> None:
    before = len(harbour.journal())
    assert "0 changes" in harbour.chatops("up").out
    writes = [
        call["path"]
        for call in harbour.journal()[before:]
        if call["plane"] == "registry" and call["method"] != "GET" and not call["path"].startswith("/oauth2/")
    ]
    assert writes == []


def test_one_changed_byte_is_one_image_built_and_pushed_and_one_app_updated(harbour: Machine) -> None:
    page = harbour.folder.parent / "checkout" / "app_images" / "chat-ui" / "chat_ui" / "static" / "page.css"
    page.write_bytes(page.read_bytes() + b"\n")
    before = completed_uploads(harbour)
    events = harbour.chatops("up", "--yes", "--output", "json").objects
    assert [event["address"] for event in events if event.get("event") == "succeeded"] == ["image/chat-ui", "app/ui"]
    # the layer with the code, and the image's configuration
    assert completed_uploads(harbour) - before == 2
    assert set(messages(events)) >= {"image/chat-ui"}


def test_what_no_revision_uses_is_pruned_and_nothing_else(harbour: Machine) -> None:
    def held() -> list[Event]:
        return harbour.chatops("images", "ls", "--output", "json").objects

    assert "0 changes" in harbour.chatops("images", "prune", "--yes").out, "the old one is a revision's still"
    page = harbour.folder.parent / "checkout" / "app_images" / "chat-ui" / "chat_ui" / "static" / "page.css"
    page.write_bytes(page.read_bytes() + b"\n")
    harbour.chatops("images", "push", "chat-ui")
    page.write_bytes(page.read_bytes()[:-1])
    before = {row["digest"]: row for row in held()}
    (unused,) = [digest for digest, row in before.items() if not row["used by"]]

    assert "1 to delete" in harbour.chatops("images", "prune", "--dry-run").out
    assert {row["digest"] for row in held()} == set(before)
    harbour.chatops("images", "prune", "--yes")
    assert {row["digest"] for row in held()} == set(before) - {unused}


def test_down_leaves_the_engine_no_container_no_network_and_of_each_image_one(
    harbour: Machine, engine_of_our_own: OwnEngine
) -> None:
    with httpx.Client(trust_env=False) as client:
        person = Person(client)
        person.visit(harbour.page())
        person.ask("hello")
    harbour.chatops("down", "--yes")
    assert len(list(harbour.folder.glob("*-conversations-*.jsonl.gz"))) == 1, "saved out of a container"
    # the engine itself leaves behind the build containers that it was killed with
    ours = {"label": "chatops.home"}
    assert engine_of_our_own.client.containers.list(all=True, filters=ours) == []
    assert engine_of_our_own.client.networks.list(filters={"type": "custom"}) == []
    names = {name for image in engine_of_our_own.client.images.list() for name in image.tags}
    assert not any(name.startswith("127.0.0.1:") for name in names)
    assert names >= {f"chatops/{image}:latest" for image in IMAGES}


def test_without_an_engine_auto_says_who_builds_and_docker_fails_before_anything_is_made(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "folder", tmp_path / "home")
    machine.folder.mkdir()
    shutil.copy(LOCAL_CONFIG, machine.config)

    def builder(code: int) -> dict[str, str]:
        rows = machine.chatops("doctor", "--output", "json", code=code).objects
        return next(row for row in rows if row["check"] == "image builder")

    try:
        assert builder(0)["found"].startswith("the registry builds: ")
        machine.config.write_text(machine.config.read_text() + "\nimages: {builder: docker}\n")
        assert builder(1)["do"]
        refused = machine.chatops("up", "--yes", code=1)
        assert "nobody is there to build images: images.builder is docker, but" in refused.err
        assert "what to do:" in refused.err
        assert "created" not in refused.out
    finally:
        machine.chatops("cloud", "reset", "--yes")
