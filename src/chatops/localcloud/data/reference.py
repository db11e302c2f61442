"""What names an image or a blob: `<login server>/<repository>:<tag>` or `...@sha256:...`."""

from __future__ import annotations

from dataclasses import dataclass

DOMAIN = "azurecr.io"
"""Where Azure's registries are, all those of a local cloud among them."""


@dataclass(frozen=True)
class Reference:
    """A name, taken apart; `version` is a tag or a digest."""

    registry: str
    repository: str
    version: str

    @classmethod
    def parse(cls, text: str) -> Reference:
        """A missing tag means `latest`."""
        registry, _, rest = text.partition("/")
        repository, at, digest = rest.partition("@")
        if at:
            return cls(registry.lower(), repository.partition(":")[0], digest)
        repository, _, tag = repository.partition(":")
        return cls(registry.lower(), repository, tag or "latest")

    @property
    def on_azure(self) -> bool:
        return self.registry.endswith(f".{DOMAIN}")

    def at(self, version: str) -> Reference:
        """Another version in the same repository."""
        return Reference(self.registry, self.repository, version)
