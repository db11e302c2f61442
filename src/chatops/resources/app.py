"""Container app. https://learn.microsoft.com/azure/templates/microsoft.app/containerapps

Updates are JSON merge patches of what changes: domains, certificates, secrets and all that we did not declare stay.
Another image or environment is rolled out (`chatops.rollout`): it has to prove itself before it gets any traffic.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chatops.azure.calls import calling, deleting, until_granted, wait
from chatops.azure.clients import Azure
from chatops.cost.meter import NOTHING, Counted, Meter, Meters, Replicas, number
from chatops.engine.resource import Json, Known, Observed, Report, Update
from chatops.resources.app_parts import Container, Ingress, Probes, Scale
from chatops.resources.arm import ArmResource
from chatops.rollout.first import waiting
from chatops.rollout.gate import Gate
from chatops.rollout.revisions import Place
from chatops.rollout.rollout import Order, roll_out
from chatops.rollout.shift import Shift
from chatops.rollout.standing import as_it_serves, changes_what_runs, is_single, serves, standing

if TYPE_CHECKING:
    from azure.mgmt.appcontainers import types


CONSUMPTION = "Consumption"


@dataclass(frozen=True, kw_only=True)
class ContainerApp(ArmResource):
    type = "Microsoft.App/containerApps"
    words = "container app"
    api_version = "2026-01-01"
    immutable = frozenset({"location", "properties.environmentId"})
    exact = frozenset({"properties.template.containers.env", "properties.template.scale.rules"})

    location: str
    tags: dict[str, str]
    environment_id: str
    identity_id: str
    registry_server: str
    vault_url: str
    ingress: Ingress
    container: Container
    scale: Scale
    probes: Probes
    gate: Gate
    shift: Shift = field(default_factory=Shift)
    profile: str = CONSUMPTION
    grace_seconds: int = field(default=30)

    def body(self, known: Known) -> Json:
        properties: types.ContainerAppProperties = {
            "environmentId": self.environment_id,
            "workloadProfileName": self.profile,
            "configuration": self._configuration(),
            "template": self._template(known),
        }
        identity = {"type": "UserAssigned", "userAssignedIdentities": {self.identity_id: {}}}
        return {"location": self.location, "tags": self.tags, "identity": identity, "properties": properties}

    def _configuration(self) -> types.Configuration:
        configuration: types.Configuration = {
            "activeRevisionsMode": "Single",
            "ingress": self.ingress.body(),
            "registries": [{"server": self.registry_server, "identity": self.identity_id}],
        }
        if self.container.secrets:
            names = sorted(set(self.container.secrets.values()))
            configuration["secrets"] = [self._secret(name) for name in names]
        return configuration

    def _secret(self, name: str) -> types.Secret:
        return {"name": name, "keyVaultUrl": f"{self.vault_url}/secrets/{name}", "identity": self.identity_id}

    def _template(self, known: Known) -> types.Template:
        return {
            "containers": [self.container.body(self.name, known, self.probes.body(self.ingress.port))],
            "scale": self.scale.body(),
            "terminationGracePeriodSeconds": self.grace_seconds,
        }

    def meters(self, body: Any) -> Meters:
        """Seconds of its replicas, idle or active, by vCPU and GiB; requests when it is reachable from outside.

        On another profile than Consumption its nodes are billed, at a price that depends on what was ordered with az.

        https://learn.microsoft.com/azure/container-apps/billing
        """
        template = body["properties"]["template"]
        replicas = _replicas(template.get("scale") or {})
        sizes = [container.get("resources") or {} for container in template["containers"]]
        cpu = sum((number(size.get("cpu")) for size in sizes), NOTHING)
        memory = sum((number(size.get("memory")) for size in sizes), NOTHING)
        if body["properties"].get("workloadProfileName", CONSUMPTION) != CONSUMPTION:
            return (Meter("container-apps/nodes of a workload profile", Counted.HOURS),)
        found = (
            Meter("container-apps/vcpu-idle", Counted.IDLE, cpu, replicas=replicas),
            Meter("container-apps/vcpu-active", Counted.ACTIVE, cpu, replicas=replicas),
            Meter("container-apps/memory-idle", Counted.IDLE, memory, replicas=replicas),
            Meter("container-apps/memory-active", Counted.ACTIVE, memory, replicas=replicas),
        )
        ingress = body["properties"].get("configuration", {}).get("ingress") or {}
        requests = Meter("container-apps/requests", Counted.REQUESTS, replicas=replicas)
        return (*found, requests) if ingress.get("external") else found

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        """Make it, marked as one whose first revision has yet to pass the gate: see `Proof`."""
        until_granted(lambda: self._put(azure, waiting(body)), azure.stop, report)

    def _put(self, azure: Azure, body: Any) -> None:
        with calling("creating", self.label):
            apps = azure.container_apps.container_apps
            wait(apps.begin_create_or_update(self.group, self.name, body), azure.stop, self.longest)

    @property
    def place(self) -> Place:
        return Place(self.id, self.longest)

    def read(self, azure: Azure) -> Observed | None:
        """The app as its users have it: where one revision has the traffic by name, with that revision's template."""
        body = azure.read(self.id, self.api_version)
        if body is None or is_single(body):
            return None if body is None else self.found(body)
        now = standing(body, self.place.revisions(azure))
        serving = self.place.revision(azure, now.serving)
        return self.found(as_it_serves(body, now, serving) if serving else body, str(now))

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        """One write, but for another image or environment, and where an earlier rollout has left its traces."""
        app = self.place.app(azure) or {}
        if is_single(app) and not (serves(app) and changes_what_runs(app, update.whole)):
            self._patch(azure, update.patch)
            return
        rest = {**update.patch, "properties": {**update.patch.get("properties", {})}}
        rest["properties"].pop("template", None)
        roll_out(azure, self.place, Order(update.whole["properties"]["template"], rest, self.gate, self.shift), report)

    def _patch(self, azure: Azure, changed: Any) -> None:
        with calling("updating", self.label):
            apps = azure.container_apps.container_apps
            patch: Any = {"location": self.location, **changed}
            wait(apps.begin_update(self.group, self.name, patch), azure.stop, self.longest)

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            wait(azure.container_apps.container_apps.begin_delete(self.group, self.name), azure.stop, self.longest)


def _replicas(scale: Json) -> Replicas:
    """Return the bounds of a scale section; Azure's defaults are 0 to 10 replicas of 10 requests each."""
    rules = [rule["http"]["metadata"] for rule in scale.get("rules") or [] if rule.get("http")]
    concurrency = int(next((rule["concurrentRequests"] for rule in rules if "concurrentRequests" in rule), 10))
    return Replicas(scale.get("minReplicas") or 0, scale.get("maxReplicas") or 10, max(concurrency, 1))
