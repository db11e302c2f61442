"""From a container app's ARM body to the revision that the runtime brings up: secrets resolved, defaults filled in."""

from __future__ import annotations

import copy
from dataclasses import replace

from ..runtime.spec import LATEST, AppSpec, Probe, Share
from ..store import Body, Record
from ..world import World
from .app_rules import gibibytes, vault_value
from .scale_rules import scale_of


def revision_spec(world: World, app: Record, revision: Record) -> AppSpec:
    """A revision of this app as it was made, with the secrets of now. The result holds their values."""
    asked = copy.deepcopy(app)
    asked.properties["template"] = copy.deepcopy(revision.properties["template"])
    asked.hidden["revision"] = revision.name
    return replace(_spec(world, asked), created=str(revision.properties["createdTime"]))


def current_spec(world: World, app: Record) -> AppSpec:
    """The newest revision of this app, which the store has."""
    revision = world.store.find(f"{app.id}/revisions/{app.hidden['revision']}")
    assert revision is not None  # noqa: S101 - it is made before it is run
    return revision_spec(world, app, revision)


def shares_of(app: Record) -> tuple[Share, ...]:
    """How the app's ingress splits what arrives; in Single mode all goes to the latest that is ready."""
    configuration = app.properties["configuration"]
    if configuration["activeRevisionsMode"] == "Single":
        return LATEST
    traffic = (configuration.get("ingress") or {}).get("traffic") or []
    return tuple(
        Share(int(one.get("weight") or 0), None if one.get("latestRevision") else one["revisionName"], one.get("label"))
        for one in traffic
    )


def _spec(world: World, app: Record) -> AppSpec:
    """What the app's template says now."""
    properties, template = app.properties, app.properties["template"]
    container = template["containers"][0]
    ingress: Body = properties["configuration"].get("ingress") or {}
    port = int(ingress.get("targetPort") or 80)
    return AppSpec(
        id=app.key,
        name=app.name,
        environment=str(properties["environmentId"]).lower(),
        revision=app.hidden["revision"],
        image=str(container["image"]),
        fqdn=ingress.get("fqdn"),
        external=bool(ingress.get("external")),
        port=port,
        cpu=float(container["resources"]["cpu"]),
        memory_gib=float(gibibytes(container["resources"]["memory"])),
        env=_environment(world, app, container),
        probes=tuple(_probe(probe) for probe in container.get("probes") or []),
        scale=scale_of(template.get("scale") or {}),
        grace=float(template.get("terminationGracePeriodSeconds") or 30),
    )


def _environment(world: World, app: Record, container: Body) -> dict[str, str]:
    values: dict[str, str] = dict(app.hidden.get("secrets", {}))
    declared = app.properties["configuration"].get("secrets") or []
    wanted = {variable.get("secretRef") for variable in container.get("env") or []}
    for secret in declared:
        if secret["name"] in wanted and "keyVaultUrl" in secret:
            values[secret["name"]] = vault_value(world, app, secret)
    return {
        variable["name"]: values[name] if (name := variable.get("secretRef")) else str(variable.get("value") or "")
        for variable in container.get("env") or []
    }


def _probe(probe: Body) -> Probe:
    defaults = Probe(probe["type"], probe["httpGet"].get("path", "/"))
    return Probe(
        kind=probe["type"],
        path=defaults.path,
        initial_delay=float(probe.get("initialDelaySeconds", defaults.initial_delay)),
        period=float(probe.get("periodSeconds", defaults.period)),
        timeout=float(probe.get("timeoutSeconds", defaults.timeout)),
        failure_threshold=int(probe.get("failureThreshold", defaults.failure_threshold)),
        success_threshold=int(probe.get("successThreshold", defaults.success_threshold)),
    )
