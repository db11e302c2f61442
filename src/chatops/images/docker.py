"""Building with a Docker engine: the context goes to the engine, the image from there to the registry, layer by layer.

https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageBuild
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from chatops.azure.clients import Azure
from chatops.azure.registry_login import sign_in
from chatops.errors import AuthenticationError, OperationFailed
from chatops.images.builder import Report, Target
from chatops.images.context import Context
from chatops.images.engine import Engine, Message, gone, listen, translated
from chatops.images.progress import BuildLog, Layers

PLATFORM = "linux/amd64"
"""What Container Apps runs (https://learn.microsoft.com/azure/container-apps/containers#limitations)."""

REFUSED = ("unauthorized", "no basic auth credentials", "authentication required", "denied")


@dataclass(frozen=True)
class DockerBuilder:
    """Builds side by side, and pushes one image at a time: layers that images share then travel once."""

    engine: Engine
    pushing: Lock = field(default_factory=Lock, repr=False, compare=False)

    def base_digest(self, base: str) -> str | None:
        return self.engine.digest_of(base)

    def base_name(self, azure: Azure, registry: str, image: str) -> str:
        return f"{self._address(azure, registry)}/{image}"

    def build(self, azure: Azure, target: Target, context: Context, report: Report) -> None:
        """Build, unless the engine has done so before, and push. Raises OperationFailed as `make` does."""
        built = self.base_name(azure, target.registry, target.name)
        if self.engine.has(built):
            self._keep(built, target)  # one that was stopped before it came so far
        else:
            self.make(azure, target, context, report)
        if self.pushing.locked():
            report("waiting for another image's push")
        with self.pushing:
            self._push(azure, target, report)

    def _address(self, azure: Azure, registry: str) -> str:
        return azure.cloud.registry_address(_server(azure, registry))

    def _fetch_base(self, azure: Azure, target: Target, context: Context, report: Report) -> None:
        """Pull a base image that lies in the registry itself: a build has no credentials for it."""
        base = context.arguments.get("BASE", "")
        if not base.startswith(f"{self._address(azure, target.registry)}/") or self.engine.has(base):
            return
        layers, server, what = Layers("pulling"), _server(azure, target.registry), f"pulling image '{base}'"
        login = sign_in(azure.cloud, server)

        def begin() -> Iterator[Any]:
            yield from self.engine.client.api.pull(base, stream=True, decode=True, auth_config=login.auth_config)

        with translated("pulling", f"image '{base}'"):
            for message in listen(begin, azure.stop, what):
                _tell(layers.said(message), report)
                _refuse(message, what, server)

    def make(self, azure: Azure, target: Target, context: Context, report: Report) -> None:
        """Build. Raises OperationFailed with the end of the build's output."""
        self._fetch_base(azure, target, context, report)
        what, log, made = f"building {target.label}", BuildLog(), False
        reference = self.base_name(azure, target.registry, target.name)
        with translated("building", target.label):
            for message in listen(lambda: self._building(reference, context), azure.stop, what):
                _tell(log.said(message), report)
                if "error" in message:
                    raise OperationFailed(what, f"{str(message['error']).strip()}\n{log.end}")
                made = made or "aux" in message
        if not made:
            raise gone(what)
        self._keep(reference, target)

    def _keep(self, built: str, target: Target) -> None:
        """Give it a name that outlives the registry: its layers are the next build's cache."""
        self.engine.tag(built, f"chatops/{target.repository}:latest")

    def forget(self, azure: Azure, registry: str) -> None:
        self.engine.forget(f"{self._address(azure, registry)}/")

    def _building(self, reference: str, context: Context) -> Iterator[Any]:
        with tempfile.TemporaryFile() as archive:
            context.write(archive)
            archive.seek(0)
            yield from self.engine.client.api.build(
                fileobj=archive,
                custom_context=True,
                tag=reference,
                buildargs=dict(context.arguments),
                platform=PLATFORM,
                rm=True,
                forcerm=True,
                decode=True,
            )

    def _push(self, azure: Azure, target: Target, report: Report) -> None:
        what, layers, pushed = f"pushing {target.label}", Layers("pushing"), False
        server = _server(azure, target.registry)
        address = self.base_name(azure, target.registry, target.repository)
        login = sign_in(azure.cloud, server)

        def begin() -> Iterator[Any]:
            yield from self.engine.client.api.push(
                address, target.tag, stream=True, decode=True, auth_config=login.auth_config
            )

        with translated("pushing", target.label):
            for message in listen(begin, azure.stop, what):
                _tell(layers.said(message), report)
                _refuse(message, what, server)
                pushed = pushed or "aux" in message
        if not pushed:
            raise gone(what)


def _server(azure: Azure, registry: str) -> str:
    return f"{registry}{azure.cloud.registry_suffix}"


def _tell(said: str | None, report: Report) -> None:
    if said:
        report(said)


def _refuse(message: Message, what: str, server: str) -> None:
    """Raise the error that the stream of a push or pull tells in its midst, where the engine puts all of them."""
    if "error" not in message:
        return
    cause = " ".join(str(message["error"]).split())
    if any(word in cause for word in REFUSED):
        hint = f"the signed-in account needs the role AcrPush on '{server}', or Contributor"
        raise AuthenticationError(what, cause, hint=hint)
    if "connection refused" in cause:
        hint = "the engine can't reach it, as one in a virtual machine can't: use images.builder: registry"
        raise OperationFailed(what, cause, hint=hint)
    raise OperationFailed(what, cause, hint="run the same command again: layers that are there are not sent again")
