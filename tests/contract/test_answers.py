"""Which answers each call of ours takes for success: the codes that Azure gives, and no others (wire facts, 0.2)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from json import JSONDecodeError
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.polling import LROPoller
from contract.sent import NoWire, Record, imagined

from chatops.azure.clients import Azure

CODES = (200, 201, 202, 204, 404)
BODY: Any = {"location": "westeurope", "properties": {}}


class Always(NoWire):
    """Answers what is asked first with one status, and every poll after it with success."""

    def __init__(self, status: int) -> None:
        super().__init__(Record())
        self.status = status

    def _answer(self, request: Any, url: Any) -> tuple[int, dict[str, str], Any]:
        if request.method == "GET":
            return 200, {}, {"properties": {"provisioningState": "Succeeded"}}
        return self.status, {"Location": "https://management.azure.com/operations/1"} if self.status == 202 else {}, {}


CALLS: dict[str, tuple[Callable[[Azure], Any], set[int]]] = {
    "group create": (lambda a: a.resources.resource_groups.create_or_update("g", BODY), {200, 201}),
    "group delete": (lambda a: a.resources.resource_groups.begin_delete("g"), {200, 202}),
    "network put": (lambda a: a.network.virtual_networks.begin_create_or_update("g", "n", BODY), {200, 201}),
    "network delete": (lambda a: a.network.virtual_networks.begin_delete("g", "n"), {200, 202, 204}),
    "zone put": (lambda a: a.private_dns.private_zones.begin_create_or_update("g", "z", BODY), {200, 201, 202}),
    "zone delete": (lambda a: a.private_dns.private_zones.begin_delete("g", "z"), {200, 202, 204}),
    "link put": (
        lambda a: a.private_dns.virtual_network_links.begin_create_or_update("g", "z", "l", BODY),
        {200, 201, 202},
    ),
    "identity put": (lambda a: a.identities.user_assigned_identities.create_or_update("g", "i", BODY), {200, 201}),
    "identity delete": (lambda a: a.identities.user_assigned_identities.delete("g", "i"), {200, 204}),
    "role put": (lambda a: a.authorization.role_assignments.create("/s", "r", BODY), {200, 201}),
    "role delete": (lambda a: a.authorization.role_assignments.delete("/s", "r"), {200, 204}),
    "vault put": (lambda a: a.vaults.vaults.begin_create_or_update("g", "v-1", BODY), {200, 201}),
    "vault delete": (lambda a: a.vaults.vaults.delete("g", "v-1"), {200, 204}),
    "vault purge": (lambda a: a.vaults.vaults.begin_purge_deleted("v-1", "l"), {200, 202}),
    "server put": (lambda a: a.postgres.servers.begin_create_or_update("g", "s", BODY), {202}),
    "server patch": (lambda a: a.postgres.servers.begin_update("g", "s", BODY), {202}),
    "server delete": (lambda a: a.postgres.servers.begin_delete("g", "s"), {202, 204}),
    "database put": (lambda a: a.postgres.databases.begin_create("g", "s", "d", BODY), {202}),
    "database delete": (lambda a: a.postgres.databases.begin_delete("g", "s", "d"), {202, 204}),
    "registry put": (lambda a: a.registries.registries.begin_create("g", "registry", BODY), {200, 201}),
    "registry delete": (lambda a: a.registries.registries.begin_delete("g", "registry"), {200, 202, 204}),
    "workspace put": (lambda a: a.workspaces.workspaces.begin_create_or_update("g", "logs", BODY), {200, 201, 202}),
    "workspace delete": (lambda a: a.workspaces.workspaces.begin_delete("g", "logs"), {200, 202, 204}),
    "environment put": (
        lambda a: a.container_apps.managed_environments.begin_create_or_update("g", "e", BODY),
        {200, 201},
    ),
    "environment delete": (lambda a: a.container_apps.managed_environments.begin_delete("g", "e"), {200, 202, 204}),
    "app put": (lambda a: a.container_apps.container_apps.begin_create_or_update("g", "a", BODY), {200, 201}),
    "app patch": (lambda a: a.container_apps.container_apps.begin_update("g", "a", BODY), {200, 202}),
    "app delete": (lambda a: a.container_apps.container_apps.begin_delete("g", "a"), {200, 202, 204}),
}
"""Every write of the stack -> the codes of the recorded facts."""


@pytest.mark.parametrize("name", CALLS)
def test_the_codes_that_are_taken_for_success(name: str) -> None:
    call, accepted = CALLS[name]

    assert {status for status in CODES if _is_taken(call, status)} == accepted


def _is_taken(call: Callable[[Azure], Any], status: int) -> bool:
    cloud = dataclasses.replace(imagined(Record()), adapter=Always(status))
    try:
        answer = call(Azure(cloud))
        if isinstance(answer, LROPoller):
            answer.wait(10)
    except (HttpResponseError, JSONDecodeError):
        # the registry's client reads JSON from the answer that it refuses, and a 204 has none
        return False
    return True
