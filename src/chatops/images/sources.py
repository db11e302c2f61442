"""What each image of a stack is made of: from the configuration to one source per image, and one builder for all."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock

from chatops.azure.clients import Azure
from chatops.azure.cloud import Cloud
from chatops.config.bundled import image_context
from chatops.config.schema import Config
from chatops.images.builder import Report, Target
from chatops.images.choice import Choice, choose
from chatops.images.context import Context

BASE_DIGITS = 8


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

    @cached_property
    def _choice(self) -> Choice:
        return choose(self.wanted, self.cloud)

    @cached_property
    def _base_digest(self) -> str | None:
        return None if "@sha256:" in self.base else self._choice.builder.base_digest(self.base)


@dataclass(frozen=True)
class BuiltImage:
    """An image source (`resources.image.Source`) with a Dockerfile."""

    context: Context
    workshop: Workshop = field(repr=False)

    @property
    def tag(self) -> str:
        """The content's hash, and that of the base image where it is known."""
        digest = self.workshop.base_digest
        short = (digest or "").removeprefix("sha256:")[:BASE_DIGITS]
        return f"{self.context.content}-{short}" if short else self.context.content

    def is_in(self, tag: str) -> bool:
        """Tell whether an image of that tag will do: the same content, on the same base as far as both are known."""
        content, _, base = tag.partition("-")
        _, _, wanted = self.tag.partition("-")
        return content == self.context.content and (not base or not wanted or base == wanted)

    def build(self, azure: Azure, registry_id: str, repository: str, report: Report) -> None:
        target = Target(registry_id, repository, self.tag)
        self.workshop.choice.builder.build(azure, target, self.context, report)


def sources(config: Config, workshop: Workshop) -> dict[str, BuiltImage]:
    """Return what each image of the stack's services is made of."""
    kind = "process" if workshop.cloud.runs_processes else ""
    arguments = {"BASE": config.images.base}
    images = {service.image for service in config.services.values()}
    return {image: BuiltImage(Context(image_context(image), arguments, kind), workshop) for image in images}
