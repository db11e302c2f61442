"""Image in the stack's registry, tagged by the content it is built from, deployed by digest. A `Source` builds it.

https://learn.microsoft.com/rest/api/containerregistry/manifests
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from chatops.azure.calls import calling
from chatops.azure.clients import Azure
from chatops.azure.registry_tags import newest_tag
from chatops.cost.meter import NO_CHARGE, Meters
from chatops.engine.resource import Json, Known, Observed, Report, Update


class Source(Protocol):
    """What an image is made of. `tag` is a hash of it; `below` names the images of the stack that it is built on."""

    @property
    def tag(self) -> str: ...

    @property
    def below(self) -> tuple[str, ...]: ...

    def is_in(self, tag: str) -> bool:
        """Tell whether an image of that tag is made of the same."""

    def build(self, azure: Azure, registry_id: str, repository: str, report: Report) -> None:
        """Build the image and leave it in the registry under `repository:tag`."""

    def make(self, azure: Azure, registry_id: str, repository: str, report: Report) -> None:
        """Build the image and leave it where it was built."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """`repository:tag` in the registry. A tag that is there is never built again.

    One that is not to be `pushed` is built whatever the registry has.
    """

    immutable = frozenset[str]()
    exact = frozenset[str]()
    precious = False
    goes_with_parent = True
    patience = 3600.0

    address: str
    repository: str
    registry_id: str
    source: Source
    pushed: bool = True
    needs: tuple[str, ...] = ("registry",)
    parent: str | None = "registry"

    @property
    def registry(self) -> str:
        return self.registry_id.rsplit("/", 1)[-1]

    @property
    def label(self) -> str:
        return f"image '{self.repository}:{self.source.tag}'"

    def body(self, known: Known) -> Json:
        return {"tag": self.source.tag}

    def meters(self, body: Any) -> Meters:
        """Of its own none: the registry is billed for what it holds."""
        return NO_CHARGE

    def read(self, azure: Azure) -> Observed | None:
        if not self.pushed:
            return None
        found = newest_tag(azure, self.registry, self.repository, self.source.is_in)
        return None if found is None else Observed({"tag": self.source.tag, "digest": found.digest})

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        work = self.source.build if self.pushed else self.source.make
        work(azure, self.registry_id, self.repository, report)

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        raise NotImplementedError("another content is another image")

    def delete(self, azure: Azure, report: Report) -> None:
        with calling("deleting", self.label):
            azure.registry(self.registry).delete_tag(self.repository, self.source.tag)
