"""A model from the web: fetched once, gone on with, checked; and as an image that a change of code does not move."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from images.conftest import BASE, Bench
from images.web import Web, serving
from rehearsal import Machine

from chatops.config.bundled import image_context
from chatops.errors import ChatopsError, NotReachable
from chatops.images.context import Context
from chatops.images.docker import DockerBuilder
from chatops.images.model import Model
from chatops.images.sources import MODEL, ModelImage, ServiceImage, Workshop

CONTENT = b"GGUF" + bytes(range(256)) * 8192


@pytest.fixture
def web() -> Iterator[Web]:
    with serving(Web(CONTENT)) as web:
        yield web


@pytest.fixture
def model(web: Web, tmp_path: Path) -> Model:
    return Model(web.url, hashlib.sha256(CONTENT).hexdigest(), tmp_path / "cache")


def fetched(model: Model) -> bytes:
    return model.fetch(lambda said: None, Event()).read_bytes()


def test_it_is_fetched_once(model: Model, web: Web) -> None:
    assert fetched(model) == fetched(model) == CONTENT
    assert web.asked == [None]
    assert [file.name for file in model.path.parent.iterdir()] == [f"{model.sha256}.gguf"]


def test_what_broke_off_is_gone_on_with(model: Model, web: Web) -> None:
    web.breaks_off_after = 1_500_000
    with pytest.raises(NotReachable, match="it broke off"):
        fetched(model)
    there = model.path.with_suffix(".part").stat().st_size
    assert 0 < there <= 1_500_000
    web.breaks_off_after = None
    assert fetched(model) == CONTENT
    assert web.asked == [None, f"bytes={there}-"]


def test_a_server_without_ranges_sends_all_of_it_again(model: Model, web: Web) -> None:
    web.breaks_off_after, web.ranges = 1_500_000, False
    with pytest.raises(NotReachable):
        fetched(model)
    web.breaks_off_after = None
    assert fetched(model) == CONTENT


def test_a_download_that_only_was_not_checked_is_checked(model: Model, web: Web) -> None:
    model.path.parent.mkdir(parents=True)
    model.path.with_suffix(".part").write_bytes(CONTENT)
    assert fetched(model) == CONTENT


def test_another_file_is_refused_and_both_hashes_are_named(model: Model, web: Web) -> None:
    web.content = CONTENT[:-1] + b"?"
    with pytest.raises(ChatopsError) as caught:
        fetched(model)
    assert model.sha256 in caught.value.message
    assert hashlib.sha256(web.content).hexdigest() in caught.value.message
    assert not model.path.exists()
    web.content = CONTENT
    assert fetched(model) == CONTENT


def test_an_answer_that_is_no_file_is_named_without_the_token(model: Model, web: Web) -> None:
    web.status = 403
    with pytest.raises(ChatopsError, match=r"fetching model http://127\.0\.0\.1:\d+/model\.gguf: .* 403") as caught:
        fetched(model)
    assert "not-to-be-shown" not in f"{caught.value} {caught.value.hint}"


def test_a_change_of_code_does_not_move_the_model(
    bench: Bench, model: Model, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", bench.engine.host)
    workshop = Workshop("docker", BASE, replace(bench.azure.cloud, runs_processes=False))
    assert isinstance(workshop.choice.builder, DockerBuilder)
    below = ModelImage("0" * 16, workshop, image_context("lm-api") / "model.Dockerfile", model)
    below.build(bench.azure, bench.registry_id, MODEL, bench.said.append)

    def push(code: str) -> list[str]:
        (bench.folder / "Dockerfile").write_text("ARG BASE\nFROM $BASE\nCOPY code code\n")
        (bench.folder / "code").write_text(code)
        context = Context(bench.folder, {"BASE": f"{MODEL}:{below.content}"})
        service = ServiceImage(context.content, workshop, context, below)
        service.build(bench.azure, bench.registry_id, "lm-api", bench.said.append)
        tag = bench.azure.registry("imagestests").get_manifest_properties("lm-api", service.tag)
        image = f"{bench.azure.cloud.registry_address('imagestests')}/lm-api@{tag.digest}"
        return list(bench.engine.client.images.get(image).attrs["RootFS"]["Layers"])

    first, second = push("one"), push("two")
    assert first[:-1] == second[:-1] and first[-1] != second[-1]
    assert len(first) >= 3
