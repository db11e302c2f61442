"""A server that is woken after its week, and what happens to it meanwhile."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from chatops.localcloud import clock
from chatops.localcloud.control.power import wake_servers
from chatops.localcloud.operations import Operations
from chatops.localcloud.resource_types import SERVER
from chatops.localcloud.store import Record, Store

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("deleted", [True, False])
async def test_a_server_that_is_deleted_while_it_wakes_stays_deleted(tmp_path: Path, deleted: bool) -> None:
    store = Store(tmp_path / "world.db")
    id = f"/subscriptions/s/resourceGroups/g/providers/{SERVER}/pg"
    properties = {"state": "Stopped", "version": "16", "administratorLogin": "boss"}
    stopped = clock.iso(clock.now() - timedelta(days=8))
    store.save(Record(id, SERVER, {"id": id, "properties": properties}, {"stopped": stopped}))
    came = asyncio.Event()

    async def put_server(server: str, version: str, admin: str, password: str | None) -> str:
        """The runtime at work: the server comes up, and its owner does not wait for that."""
        if deleted:
            store.forget(id)
        came.set()
        return version

    world = SimpleNamespace(store=store, operations=Operations(store), runtime=SimpleNamespace(put_server=put_server))
    waking = asyncio.create_task(wake_servers(world))  # type: ignore[arg-type]
    await came.wait()
    await asyncio.sleep(0)
    waking.cancel()
    found = store.find(id)
    assert (found.properties["state"] if found else None) == (None if deleted else "Ready")
