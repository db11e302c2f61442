"""What each image of a stack is made of: from the configuration to one source per image, and one builder for all."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from threading import Lock

from chatops.azure.clients import Azure
from chatops.azure.cloud import Cloud
from chatops.azure.registry_tags import newest_tag
from chatops.config.bundled import image_context
from chatops.config.schema import Config
from chatops.images.builder import Report, Target
from chatops.images.choice import Choice, choose
from chatops.images.context import Context
from chatops.images.model import Model

BASE_DIGITS = 8
MODEL = "lm-model"
"""The image that holds a model and nothing else; that of lm-api is built on it."""

SERVES_MODEL = "lm-api"


class Workshop:
    """The builder of one command's images and their common base. Nothing is looked for before it is needed."""

    def __init__(self, wanted: str, base: str, cloud: Cloud) -> None:
        self.wanted, self.base, self.cloud = wanted, base, cloud
        self._lock = Lock()

    @property
    def choice(self) -> Choice:
        with self._lock:
            return self._choice

    @property
    def base_digest(self) -> str | None:
        """What the base image's name stands for, None when that is not known or part of the name."""
        with self._lock:
            return self._base_digest

    @property
    def kind(self) -> str:
        """What sets images for one cloud apart from those for another."""
        return "process" if self.cloud.runs_processes else ""

    @cached_property
    def _choice(self) -> Choice:
        return choose(self.wanted, self.cloud)

    @cached_property
    def _base_digest(self) -> str | None:
        return None if "@sha256:" in self.base else self._choice.builder.base_digest(self.base)


@dataclass(frozen=True)
class _Tagged:
    """Something whose tag is the hash of its content, followed by that of the base image where it is known."""

    content: str
    workshop: Workshop = field(repr=False)

    @property
    def tag(self) -> str:
        digest = self.workshop.base_digest
        short = (digest or "").removeprefix("sha256:")[:BASE_DIGITS]
        return f"{self.content}-{short}" if short else self.content

    def is_in(self, tag: str) -> bool:
        """Tell whether an image of that tag will do: the same content, on the same base as far as both are known."""
        content, _, base = tag.partition("-")
        _, _, wanted = self.tag.partition("-")
        return content == self.content and (not base or not wanted or base == wanted)


@dataclass(frozen=True)
class ModelImage(_Tagged):
    """A model as an image of its own: a change of the code above does not move it again."""

    dockerfile: Path
    model: Model
    below: tuple[str, ...] = ()

    def build(self, azure: Azure, registry_id: str, repository: str, report: Report) -> None:
        with self._context(azure, report) as context:
            target = Target(registry_id, repository, self.tag)
            self.workshop.choice.builder.build(azure, target, context, report)

    def make(self, azure: Azure, registry_id: str, repository: str, report: Report) -> None:
        with self._context(azure, report) as context:
            target = Target(registry_id, repository, self.tag)
            self.workshop.choice.builder.make(azure, target, context, report)

    @contextmanager
    def _context(self, azure: Azure, report: Report) -> Iterator[Context]:
        file = self.model.fetch(report, azure.stop)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "Dockerfile").write_bytes(self.dockerfile.read_bytes())
            (folder / "model.gguf").symlink_to(file)
            yield Context(folder, {"BASE": self.workshop.base})


@dataclass(frozen=True)
class ServiceImage(_Tagged):
    """The image of a service: a folder with a Dockerfile, on the common base or on the model's image."""

    context: Context
    model: ModelImage | None = None

    @property
    def below(self) -> tuple[str, ...]:
        return (MODEL,) if self.model else ()

    def build(self, azure: Azure, registry_id: str, repository: str, report: Report) -> None:
        target, context = Target(registry_id, repository, self.tag), self.context
        if self.model:
            found = newest_tag(azure, target.registry, MODEL, self.model.is_in)
            context = self._on_model(azure, target, found.name if found else self.model.tag)
        self.workshop.choice.builder.build(azure, target, context, report)

    def make(self, azure: Azure, registry_id: str, repository: str, report: Report) -> None:
        target, context = Target(registry_id, repository, self.tag), self.context
        if self.model:
            context = self._on_model(azure, target, self.model.tag)
        self.workshop.choice.builder.make(azure, target, context, report)

    def _on_model(self, azure: Azure, target: Target, tag: str) -> Context:
        base = self.workshop.choice.builder.base_name(azure, target.registry, f"{MODEL}:{tag}")
        return replace(self.context, arguments={"BASE": base})


def sources(config: Config, workshop: Workshop, cache: Path) -> dict[str, ModelImage | ServiceImage]:
    """Return what each image of the stack's services is made of; `cache` keeps a model that is fetched."""
    found: dict[str, ModelImage | ServiceImage] = {}
    model = _model_image(config, workshop, cache)
    for image in {service.image for service in config.services.values()}:
        below = model if image == SERVES_MODEL else None
        base = f"{MODEL}:{below.content}" if below else config.images.base
        context = Context(image_context(image), {"BASE": base}, workshop.kind)
        found[image] = ServiceImage(context.content, workshop, context, below)
        if below:
            found[MODEL] = below
    return found


def _model_image(config: Config, workshop: Workshop, cache: Path) -> ModelImage | None:
    model = config.model
    if not (model.in_image and model.source and model.sha256):
        return None
    dockerfile = image_context(SERVES_MODEL) / "model.Dockerfile"
    what = (workshop.kind, workshop.base, dockerfile.read_text(), model.sha256)
    content = hashlib.sha256(repr(what).encode()).hexdigest()[:16]
    return ModelImage(content, workshop, dockerfile, Model(model.source, model.sha256, cache))
