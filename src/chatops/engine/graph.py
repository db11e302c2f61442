"""The order of things: a stack's resources sorted so that whatever is needed comes first."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from typing import Any

from chatops.engine.resource import Resource


def in_order(resources: Iterable[Resource[Any]]) -> list[Resource[Any]]:
    """Return the resources, needed ones first. Raises ValueError on a cycle or on a need that nobody meets."""
    by_address = {resource.address: resource for resource in resources}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for resource in by_address.values():
        if missing := [need for need in resource.needs if need not in by_address]:
            raise ValueError(f"{resource.address} needs {', '.join(missing)}, which the stack does not have")
        sorter.add(resource.address, *resource.needs)
    try:
        return [by_address[address] for address in sorter.static_order()]
    except CycleError as error:
        raise ValueError(f"these need each other: {' -> '.join(error.args[1])}") from error


def depth(resource: Resource[Any], by_address: dict[str, Resource[Any]]) -> int:
    """Return how many parents stand above the resource."""
    parent = by_address.get(resource.parent or "")
    return 0 if parent is None else 1 + depth(parent, by_address)
