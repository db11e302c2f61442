"""What an image's tag says, and which tags of a registry are as good."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chatops.azure.cloud import Cloud
from chatops.config.schema import Config
from chatops.images.context import Context
from chatops.images.sources import MODEL, ServiceImage, Workshop, sources

AZURE = Cloud("azure", "https://management.azure.com", "subscription")
OLD, NEW = f"sha256:{'0' * 64}", f"sha256:{'1' * 64}"
A_MODEL = {"source": "https://example.org/a.gguf", "sha256": "a" * 64}


class Knowing(Workshop):
    """A workshop that knows, or does not, what the base image's name stands for."""

    def __init__(self, digest: str | None) -> None:
        super().__init__("registry", "python:3.12-slim", AZURE)
        self.digest = digest

    @property
    def base_digest(self) -> str | None:
        return self.digest


def image(base: str | None, content: str = "c" * 16) -> ServiceImage:
    return ServiceImage(content, Knowing(base), Context(Path()))


@pytest.mark.parametrize(
    ("wanted", "there", "will_do"),
    [
        (NEW, NEW, True),
        (NEW, OLD, False),
        (NEW, None, True),
        (None, OLD, True),
        (None, None, True),
    ],
)
def test_a_base_counts_as_far_as_both_are_known(wanted: str | None, there: str | None, will_do: bool) -> None:
    assert image(wanted).is_in(image(there).tag) is will_do


@pytest.mark.parametrize("base", [None, NEW])
def test_other_content_never_will_do(base: str | None) -> None:
    assert not image(base).is_in(image(base, content="d" * 16).tag)


def of(cloud: Cloud = AZURE, **model: Any) -> dict[str, Any]:
    config = Config.model_validate({"model": model})
    return sources(config, Workshop("registry", config.images.base, cloud), Path("cache"))


def test_a_model_with_a_url_is_an_image_below_lm_api_and_part_of_its_tag() -> None:
    plain, one, other = of(), of(**A_MODEL), of(**{**A_MODEL, "sha256": "b" * 64})
    assert MODEL not in plain and one[MODEL].tag != other[MODEL].tag
    assert one["lm-api"].below == (MODEL,) and plain["lm-api"].below == ()
    assert len({plain["lm-api"].tag, one["lm-api"].tag, other["lm-api"].tag}) == 3
    assert plain["chat-ui"].tag == one["chat-ui"].tag


def test_a_model_that_replicas_fetch_and_one_of_the_image_itself_are_no_images() -> None:
    assert MODEL not in of(**A_MODEL, fetch="start")
    assert MODEL not in of(source="/models/own.gguf")


def test_where_the_model_is_fetched_from_is_no_part_of_its_tag() -> None:
    assert of(**A_MODEL)[MODEL].tag == of(**{**A_MODEL, "source": "https://mirror.example.org/b.gguf"})[MODEL].tag


def test_images_for_processes_are_others_than_those_for_containers() -> None:
    containers, processes = of(), of(replace(AZURE, runs_processes=True))
    assert all(containers[name].tag != processes[name].tag for name in containers)
