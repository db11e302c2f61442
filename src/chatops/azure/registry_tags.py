"""Tags of a container registry's repository. https://learn.microsoft.com/rest/api/containerregistry/tag"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chatops.azure.calls import calling
from chatops.azure.clients import Azure

if TYPE_CHECKING:
    from azure.containerregistry import ArtifactTagProperties


def newest_tag(
    azure: Azure, registry: str, repository: str, will_do: Callable[[str], bool]
) -> ArtifactTagProperties | None:
    """Return the tag that was set last of those that `will_do`; None when there is none, or no such repository."""
    from azure.core.exceptions import ResourceNotFoundError

    with calling("looking for", f"tags of '{repository}'"):
        try:
            tags = [tag for tag in azure.registry(registry).list_tag_properties(repository) if will_do(tag.name)]
        except ResourceNotFoundError:
            return None
    return max(tags, key=lambda tag: tag.last_updated_on, default=None)
