"""Images that the stack's registry holds, by digest, and the revisions that use them. They can only be deleted.

https://learn.microsoft.com/rest/api/containerregistry/manifests
https://learn.microsoft.com/rest/api/containerapps/container-apps-revisions/list-revisions
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import calling, deleting
from chatops.azure.clients import Azure
from chatops.engine.resource import Json, Known, Observed, Report, Update


@dataclass(frozen=True, kw_only=True)
class StoredImage:
    """One image of a repository: `size` in bytes, `updated` when it was last tagged (ISO 8601, UTC)."""

    immutable = frozenset[str]()
    exact = frozenset[str]()
    precious = False
    goes_with_parent = True
    patience = 300.0
    needs: tuple[str, ...] = ()
    parent = None

    registry: str
    repository: str
    digest: str
    tags: tuple[str, ...]
    size: int
    updated: str

    @property
    def address(self) -> str:
        return f"image/{self.repository}@{self.digest}"

    @property
    def label(self) -> str:
        return f"image '{self.repository}:{', '.join(self.tags) or self.digest}'"

    def body(self, known: Known) -> Json:
        return {}

    def read(self, azure: Azure) -> Observed | None:
        from azure.core.exceptions import ResourceNotFoundError

        with calling("reading", self.label):
            try:
                azure.registry(self.registry).get_manifest_properties(self.repository, self.digest)
            except ResourceNotFoundError:
                return None
        return Observed({"digest": self.digest})

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        raise NotImplementedError("a stored image is only ever deleted")

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        raise NotImplementedError("a stored image is only ever deleted")

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            azure.registry(self.registry).delete_manifest(self.repository, self.digest)


def stored_images(azure: Azure, registry: str, repository: str) -> Iterator[StoredImage]:
    """Yield what a repository holds; a repository that is not there holds nothing."""
    from azure.core.exceptions import ResourceNotFoundError

    with calling("listing images of", f"'{repository}'"):
        try:
            for found in azure.registry(registry).list_manifest_properties(repository):
                yield StoredImage(
                    registry=registry,
                    repository=repository,
                    digest=str(found.digest),
                    tags=tuple(found.tags or ()),
                    size=found.size_in_bytes or 0,
                    updated=found.last_updated_on.isoformat(timespec="seconds"),
                )
        except ResourceNotFoundError:
            return


def users(azure: Azure, group: str) -> dict[str, list[str]]:
    """Return which revisions, active or not, run which image: digest (or repository:tag) -> names of revisions."""
    found: dict[str, list[str]] = defaultdict(list)
    with calling("listing revisions of", f"the apps in '{group}'"):
        for app in azure.container_apps.container_apps.list_by_resource_group(group):
            for revision in azure.container_apps.container_apps_revisions.list_revisions(group, str(app.name)):
                for container in _containers(revision):
                    image = str(container.image).partition("/")[2]
                    found[image.partition("@")[2] or image].append(str(revision.name))
    return found


def _containers(revision: Any) -> list[Any]:
    template = revision.properties.template if revision.properties else None
    return [*(template.containers or ()), *(template.init_containers or ())] if template else []
