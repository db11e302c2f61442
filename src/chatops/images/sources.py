"""Which builder makes which image: from the configuration to one source per image."""

from __future__ import annotations

from chatops.config.bundled import image_context
from chatops.config.schema import Config
from chatops.errors import UsageError
from chatops.images.context import Context
from chatops.images.registry import RegistryBuild


def sources(config: Config) -> dict[str, RegistryBuild]:
    """Return what each image of the stack's services is made of. Raises UsageError for a builder that is not there."""
    if config.images.builder == "docker":
        raise UsageError(
            "images.builder: docker is not there yet", hint="use auto or registry: the registry builds without Docker"
        )
    images = {service.image for service in config.services.values()}
    arguments = {"BASE": config.images.base}
    return {image: RegistryBuild(Context(image_context(image), arguments)) for image in images}
