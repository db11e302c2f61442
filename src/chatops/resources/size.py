"""The size of a container app: replica bounds, scale rules, cpu and memory, and nothing else of it.

https://learn.microsoft.com/azure/container-apps/scale-app
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chatops.engine.resource import Json, Known
from chatops.resources.app import ContainerApp

if TYPE_CHECKING:
    from azure.mgmt.appcontainers import types

OF_SCALE = {"min": "minReplicas", "max": "maxReplicas", "concurrency": "rules"}


@dataclass(frozen=True, kw_only=True)
class AppSize(ContainerApp):
    """A container app that is declared as far as its size goes; `only` narrows that to some options of `scale`."""

    only: frozenset[str] | None = None

    @classmethod
    def of(cls, app: ContainerApp, only: frozenset[str] | None = None) -> AppSize:
        return cls(**vars(app), only=only)

    def body(self, known: Known) -> Json:
        template: types.Template = {}
        if scale := self._scale():
            template["scale"] = scale
        if self.only is None or self.only & {"cpu", "memory"}:
            resources: types.ContainerResources = {"cpu": self.container.cpu, "memory": self.container.memory}
            template["containers"] = [{"name": self.name, "resources": resources}]  # type: ignore[typeddict-item]
        properties: Json = {"template": template}
        if self.only is None or "profile" in self.only:
            properties["workloadProfileName"] = self.profile
        return {"properties": properties}

    def _scale(self) -> Any:
        whole = self.scale.body()
        if self.only is None:
            return whole
        wanted = {OF_SCALE[option] for option in self.only & set(OF_SCALE)}
        return {field: value for field, value in whole.items() if field in wanted}
