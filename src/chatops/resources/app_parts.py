"""The parts of a container app, each a value that gives its body: ingress, container, probes, scale rules.

https://learn.microsoft.com/azure/templates/microsoft.app/containerapps
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chatops.engine.resource import Known

if TYPE_CHECKING:
    from azure.mgmt.appcontainers import types


@dataclass(frozen=True)
class Ingress:
    """How an app is reached: from the world or only from its environment, on which port inside the container."""

    external: bool
    port: int

    def body(self) -> types.Ingress:
        # apps call each other as http://<name>; only the way from the world must be https
        return {
            "external": self.external,
            "targetPort": self.port,
            "transport": "auto",
            "allowInsecure": not self.external,
        }


@dataclass(frozen=True)
class Window:
    """A time, by two cron expressions and a time zone, in which so many replicas run at least."""

    name: str
    timezone: str
    start: str
    end: str
    replicas: int

    def rule(self) -> types.ScaleRule:
        when = {"timezone": self.timezone, "start": self.start, "end": self.end, "desiredReplicas": str(self.replicas)}
        return {"name": f"schedule-{self.name}", "custom": {"type": "cron", "metadata": when}}


@dataclass(frozen=True)
class Scale:
    """Replica bounds and rules: requests in flight per replica, percent of cpu and memory, times. Periods: seconds."""

    minimum: int
    maximum: int
    concurrency: int
    cooldown: int
    polling: int
    utilization: Mapping[str, int] = field(default_factory=dict)
    windows: tuple[Window, ...] = ()

    def body(self) -> types.Scale:
        rules: list[types.ScaleRule] = [
            {"name": "http", "http": {"metadata": {"concurrentRequests": str(self.concurrency)}}}
        ]
        for resource, percent in self.utilization.items():
            aim = {"type": "Utilization", "value": str(percent)}
            rules.append({"name": resource, "custom": {"type": resource, "metadata": aim}})
        return {
            "minReplicas": self.minimum,
            "maxReplicas": self.maximum,
            "cooldownPeriod": self.cooldown,
            "pollingInterval": self.polling,
            "rules": [*rules, *(window.rule() for window in self.windows)],
        }


@dataclass(frozen=True)
class Probes:
    """Paths of the HTTP probes, and how long a replica may stay deaf before it is restarted: seconds times failures."""

    liveness: str
    readiness: str
    every: int = 10
    failures: int = 6

    def body(self, port: int) -> list[types.ContainerAppProbe]:
        return [
            {
                "type": "Liveness",
                "httpGet": {"path": self.liveness, "port": port},
                "periodSeconds": self.every,
                "timeoutSeconds": 10,
                "failureThreshold": self.failures,
            },
            {
                "type": "Readiness",
                "httpGet": {"path": self.readiness, "port": port},
                "periodSeconds": 2,
                "timeoutSeconds": 5,
                "failureThreshold": 5,
            },
        ]


@dataclass(frozen=True)
class Container:
    """What runs in a replica. `secrets` maps environment variables to secrets of the vault, by name."""

    image: Callable[[Known], Any]
    cpu: float
    memory: str
    env: dict[str, str]
    secrets: dict[str, str]

    def body(self, name: str, known: Known, probes: list[types.ContainerAppProbe]) -> types.Container:
        env: list[types.EnvironmentVar] = [{"name": key, "value": value} for key, value in self.env.items()]
        env += [{"name": key, "secretRef": secret} for key, secret in self.secrets.items()]
        return {
            "name": name,
            "image": self.image(known),
            "resources": {"cpu": self.cpu, "memory": self.memory},
            "env": env,
            "probes": probes,
        }
