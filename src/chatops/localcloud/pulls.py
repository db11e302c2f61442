"""Where a Docker engine finds the registries of this world, and in them the image of an app, under its digest."""

from __future__ import annotations

from .data.engine_build import Hub
from .data.images import PROCESS_IMAGE, ImageStore, Reference
from .data.registry.access import REFRESH_USER
from .data.registry.address import LOOPBACK
from .identity import Tokens
from .runtime.docker.containers import Source
from .runtime.docker.engine import Login
from .runtime.spec import RuntimeFailure

_REFRESH = f"https://{LOOPBACK}/refresh"  # what the registries' refresh tokens are for, at the daemon's own address


def hub_at(port: int, tokens: Tokens, operator: str) -> Hub:
    """The registries at the daemon's port. The platform comes as the operator: whether an app's identity may pull was
    asked when the app was put.
    """
    return Hub(f"{LOOPBACK}:{port}", lambda: Login(REFRESH_USER, tokens.issue(operator, _REFRESH)))


def source(hub: Hub, images: ImageStore, image: str) -> Source:
    """Where to pull an app's image, by digest. Raises RuntimeFailure when it is not there or not a real one."""
    reference = Reference.parse(image)
    digest = images.resolve(reference)
    manifest = images.manifest(digest) if digest else None
    if manifest is None:
        raise RuntimeFailure("InvalidParameterValueInContainerTemplate", f"image {image!r} was not found")
    if manifest.get("mediaType") == PROCESS_IMAGE:
        text = (
            f"image {image!r} was made to run as a process, and this local cloud runs containers: build it again with "
            "an engine, or start over with chatops cloud reset"
        )
        raise RuntimeFailure("InvalidParameterValueInContainerTemplate", text)
    return Source(f"{hub.repository(reference)}@{digest}", hub.login())
