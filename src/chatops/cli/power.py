"""What of a stack can be stopped, and in which order: apps before the database, and the other way round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chatops.engine.resource import Observed, Resource
from chatops.resources.app import ContainerApp
from chatops.resources.postgres import PostgresServer
from chatops.resources.power import RUNNING, SELF_START_DAYS, STOPPED, Power, power_of

PAUSED = f"the stack is paused; Azure starts the database again by itself {SELF_START_DAYS} days after the pause"


def powers(resources: Sequence[Resource[Any]], wanted: str) -> list[Power]:
    """What stops or starts the whole stack."""
    servers = [one for one in resources if isinstance(one, PostgresServer)]
    apps = [one for one in resources if type(one) is ContainerApp]
    first, then = (apps, servers) if wanted == STOPPED else (servers, apps)
    before = [Power.over(one, wanted) for one in first]
    return [*before, *(Power.over(one, wanted, tuple(done.address for done in before)) for one in then)]


def woken(resources: Sequence[Resource[Any]], observed: Mapping[str, Observed]) -> list[Resource[Any]]:
    """The resources with what starts those that are stopped; a stopped one is started before it is changed."""
    stopped = [
        power
        for power in powers(resources, RUNNING)
        if (seen := observed.get(power.of.address)) and power_of(seen.body) == STOPPED
    ]
    by_resource = {power.of.address: power.address for power in stopped}
    known = set(by_resource.values())
    starts = [replace(power, needs=tuple(need for need in power.needs if need in known)) for power in stopped]
    return [*starts, *(_after(one, by_resource.get(one.address)) for one in resources)]


def _after(resource: Resource[Any], power: str | None) -> Resource[Any]:
    if power is None or not isinstance(resource, ContainerApp | PostgresServer):
        return resource
    return replace(resource, needs=(*resource.needs, power))


def any_stopped(observed: Mapping[str, Observed]) -> bool:
    """Whether something of the stack was stopped, by `pause` or by somebody else."""
    return any(power_of(seen.body) == STOPPED for seen in observed.values() if "properties" in seen.body)
