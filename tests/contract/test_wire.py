"""`up`, a changed `up` and `down` on a real local cloud: every body that really left keeps Azure's schemas."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract import azure_schemas
from contract.sent import OnTheWire, Record, Recorded
from rehearsal import LOCAL_CONFIG, Machine

from chatops.azure.cloud import Cloud
from chatops.cli import session
from chatops.cli.down import down
from chatops.cli.target import OnThisMachine, Tell
from chatops.cli.up import up

CHANGED = """
tags: {purpose: chat}
logs: {retention_days: 60}
database: {storage_gb: 64}
registry: {sku: Premium}
domain:
  chat.example.org: {zone: example.org}
"""


class Watched(OnThisMachine):
    """The local cloud, reached through a wire that notes what passes."""

    record = Record()

    def open(self, tell: Tell) -> Cloud:
        cloud = super().open(tell)
        fields = {field.name: getattr(cloud, field.name) for field in dataclasses.fields(cloud)}
        return Recorded(**fields, adapter=OnTheWire(self.record))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    machine = Machine(tmp_path / "folder", tmp_path / "home")
    machine.folder.mkdir()
    shutil.copy(LOCAL_CONFIG, machine.config)
    for name in ("CHATOPS_HOME", "CHATOPS_CACHE"):
        monkeypatch.setenv(name, machine.environment[name])
    monkeypatch.setattr(session, "target_of", lambda config: Watched())
    machine.chatops("cloud", "start")
    yield machine
    machine.chatops("cloud", "reset", "--yes")


@pytest.mark.skipif(
    not azure_schemas.FOLDER.is_dir(),
    reason=f"Azure's schemas are not at {azure_schemas.FOLDER}; CHATOPS_AZURE_SCHEMAS names their folder",
)
def test_every_body_of_up_and_down(machine: Machine) -> None:
    record = Watched.record
    up(machine.config, yes=True)
    created = {(one.method, one.type) for one in record.sent}
    machine.config.write_text(machine.config.read_text().replace("max: 5", "max: 3") + CHANGED)
    up(machine.config, yes=True)
    domains = {str(one.type).rpartition("/")[2] for one in record.sent if one.method == "PUT"}
    with_bodies = len(record.sent)
    down(machine.config, yes=True)

    assert [problem for one in record.sent for problem in one.problems()] == []
    assert ("POST", "Microsoft.ContainerRegistry/registries/scheduleRun") in created
    assert ("PUT", "Microsoft.App/containerApps") in created
    assert {"dnsZones", "TXT", "CNAME", "managedCertificates"} <= domains
    patched = {str(one.type) for one in record.sent if one.method == "PATCH"}
    assert {"Microsoft.App/containerApps", "Microsoft.DBforPostgreSQL/flexibleServers"} <= patched
    assert all(one.excused for one in record.sent[with_bodies:]), "a deletion has no body"
    assert record.empty.count("DELETE") > 10
