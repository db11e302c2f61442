"""What every builder of images is: one small interface, and the place in a registry that an image goes to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chatops.azure.clients import Azure
from chatops.images.context import Context

Report = Callable[[str], None]


@dataclass(frozen=True)
class Target:
    """`repository:tag` in a registry, which is named by its ARM id."""

    registry_id: str
    repository: str
    tag: str

    @property
    def group(self) -> str:
        return self.registry_id.split("/")[4]

    @property
    def registry(self) -> str:
        return self.registry_id.rsplit("/", 1)[-1]

    @property
    def name(self) -> str:
        return f"{self.repository}:{self.tag}"

    @property
    def label(self) -> str:
        return f"image '{self.name}'"


class Builder(Protocol):
    """Makes an image of a context and leaves it in the registry."""

    def base_digest(self, base: str) -> str | None:
        """Return the digest that a base image's name stands for now, None when that is not known."""

    def base_name(self, azure: Azure, registry: str, image: str) -> str:
        """Return what a Dockerfile's FROM has to say for `image` (repository:tag) of the registry."""

    def make(self, azure: Azure, target: Target, context: Context, report: Report) -> None:
        """Build without pushing, where that is possible. Raises ChatopsError."""

    def build(self, azure: Azure, target: Target, context: Context, report: Report) -> None:
        """Build, push and wait. Raises CloudError with the end of the build's log."""

    def forget(self, azure: Azure, registry: str) -> None:
        """Take away what was left behind here under the name of a registry that is gone."""
