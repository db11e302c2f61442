"""A daemon of its own, walked once: every table of facts is then compared with what was seen on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from ..conftest import Cloud, wait_for
from ..control.conftest import make_stack
from .walk import Walk, table

GROUP = "wire-group_1"
TROUBLE = "/_local/trouble"
GROUPS = "2025-04-01"


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    running = Cloud(tmp_path_factory.mktemp("wire"))
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="package")
def walk(world: Cloud) -> Walk:
    """Everything made, asked, and deleted again."""
    found = Walk(world, GROUP)
    group = found.known["group"]
    found.known["puller"] = make_stack(world).identity.id
    found.send("group.create", "PUT", group, GROUPS, json={"location": "eastus"})
    resources = table("resources")
    for resource in resources:
        found.up(resource)
        if resource["name"] == "workspace":
            path = f"{found.path(resource)}/sharedKeys"
            found.known["keys"] = found.send("workspace.keys", "POST", path, resource["version"]).json()
    for ask in table("asks"):
        _ask(found, ask)
    for refused in table("refused"):
        found.write(refused["name"], refused, "PUT", refused["put"])
        if refused["name"] == "failing-server.create-refused":
            found.write("failing-server.delete", refused, "DELETE")
    for resource in reversed(resources):
        found.down(resource)
    _purge(found)
    _delete_group(found)
    return found


def _ask(walk: Walk, ask: dict[str, Any]) -> None:
    path = str(ask["path"])
    whole = walk.known["group"] + path.removeprefix("group") if path.startswith("group") else walk.cloud.scope + path
    more: dict[str, Any] = {"json": walk.fill(ask["body"])} if "body" in ask else {}
    headers = dict(ask.get("headers", {}))
    if "claims" in ask:
        headers["Authorization"] = f"Bearer {_signed(walk, ask['claims'])}"
    walk.conditions(**ask.get("conditions", {}))
    if "faults" in ask:
        walk.send("", "PATCH", TROUBLE, json={"faults": ask["faults"]})
    walk.send(ask["name"], ask["method"], whole, ask["version"], headers=headers, **more)
    if "conditions" in ask:
        walk.conditions()
    if "faults" in ask:
        walk.send("", "DELETE", TROUBLE)


def _signed(walk: Walk, claims: dict[str, Any]) -> str:
    """A token like the walk's own but for some claims, signed by the world's own key."""
    own = jwt.decode(walk.token, options={"verify_signature": False})
    head = jwt.get_unverified_header(walk.token)
    key = (walk.cloud.home / "token.key").read_bytes()
    return jwt.encode({**own, **claims}, key, algorithm=head["alg"])


def _purge(walk: Walk) -> None:
    """The vault that the walk deleted, seen among the deleted ones and purged."""
    path, version = "/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/wirevault", "2026-05-15"
    walk.send("vault.deleted", "GET", walk.cloud.scope + path, version)
    twin = next(one for one in table("resources") if one["name"] == "vault")
    walk.send("vault.deleted-twin", "PUT", walk.path(twin), version, json=walk.fill(twin["put"]))
    type = "Microsoft.KeyVault/deletedVaults"
    purge = {"at": "subscription", "path": f"{path}/purge", "version": version, "type": type}
    walk.write("vault.purge", purge, "POST")
    walk.send("vault.purged", "GET", walk.cloud.scope + path, version)


def _delete_group(walk: Walk) -> None:
    group = walk.known["group"]
    walk.conditions(held=["Microsoft.Resources/resourceGroups"])
    first = walk.send("group.delete", "DELETE", group, GROUPS)
    walk.send("group.delete.result", "GET", first.headers["Location"])
    walk.send("group.delete.read", "GET", group, GROUPS)
    vault = f"{group}/providers/Microsoft.KeyVault/vaults/toolate"
    walk.send("group.delete.write", "PUT", vault, "2026-05-15", json={"location": "eastus"})
    walk.conditions()
    url = first.headers["Location"]
    wait_for(lambda: walk.send("group.delete.end", "GET", url).status_code != 202)
    walk.send("group.gone", "GET", group, GROUPS)
