"""A local cloud to be examined, in which each test presets one trouble."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
import requests
import typer
from rehearsal import Machine

from chatops.azure.clients import Azure
from chatops.azure.cloud import Cloud, local
from chatops.cli import session
from chatops.cli.doctor import doctor
from chatops.cli.options import Output
from chatops.cli.target import OnThisMachine, Tell
from chatops.errors import ChatopsError

LOCATION = "germanywestcentral"
NAMESPACES = ("Microsoft.App", "Microsoft.KeyVault", "Microsoft.Network")


@dataclass(frozen=True)
class Elsewhere(OnThisMachine):
    """The local cloud, seen with other eyes: another tenant, subscription or secret."""

    cloud: Cloud | None = None
    changes: dict[str, Any] = field(default_factory=dict)

    def open(self, tell: Tell) -> Cloud:
        assert self.cloud is not None
        return dataclasses.replace(self.cloud, **self.changes)


@dataclass
class Result:
    """What `chatops doctor` said, by check, and how it ended."""

    rows: dict[str, dict[str, str]]
    error: ChatopsError | None

    @property
    def failed(self) -> list[str]:
        return [name for name, row in self.rows.items() if row["result"] == "failed"]


@dataclass
class Clinic:
    """One local cloud, the stack of one test, and what the test did to the cloud."""

    cloud: Cloud
    config: Path
    stack: str
    printed: Callable[[], str]
    settings: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def azure(self) -> Azure:
        return Azure(self.cloud)

    @property
    def scope(self) -> str:
        return f"/subscriptions/{self.cloud.subscription}"

    @property
    def group(self) -> str:
        return f"{self.stack}-rg"

    def write(self, **sections: Any) -> None:
        """Write the configuration: JSON is YAML."""
        self.config.write_text(json.dumps({"name": self.stack, "target": "local", "location": LOCATION, **sections}))

    def call(self, method: str, path: str, body: Any = None) -> requests.Response:
        token = self.cloud.credential.get_token(self.cloud.scope).token
        answer = requests.request(
            method,
            self.cloud.arm + path,
            params={"api-version": "2024-01-01"},
            json=body,
            headers={"Authorization": f"Bearer {token}"},
            verify=self.cloud.ca_file,
            timeout=120,
        )
        assert answer.ok, answer.text
        return answer

    def preset(self, **conditions: Any) -> None:
        self.call("PUT", "/_local/settings", conditions)

    def make_group(self, name: str | None = None, location: str = LOCATION, **tags: str) -> None:
        self.azure.resources.resource_groups.create_or_update(name or self.group, {"location": location, "tags": tags})

    def examine(self, register: bool = False) -> Result:
        self.printed()
        error = None
        try:
            doctor(self.config, register, Output.json)
        except ChatopsError as raised:
            error = raised
        except typer.Exit as ended:
            assert ended.exit_code == 0
        rows = [json.loads(line) for line in self.printed().splitlines()]
        return Result({row["check"]: row for row in rows}, error)

    def heal(self) -> None:
        self.preset()
        for namespace in NAMESPACES:
            self.call("POST", f"{self.scope}/providers/{namespace}/register")
        groups = self.azure.resources.resource_groups
        for group in list(groups.list()):
            groups.begin_delete(str(group.name)).result()


def clinic_in(root: Path) -> Iterator[Machine]:
    machine = Machine(root / "folder", root / "home")
    machine.folder.mkdir()
    machine.chatops("cloud", "start")
    yield machine
    machine.chatops("cloud", "reset", "--yes")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    yield from clinic_in(tmp_path_factory.mktemp("clinic"))


@pytest.fixture
def clinic(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], request: Any
) -> Iterator[Clinic]:
    made = open_clinic(machine, monkeypatch, capsys, f"s{crc32(request.node.name.encode())}")
    yield made
    made.heal()


def open_clinic(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stack: str
) -> Clinic:
    cloud = local(machine.home / "cloud" / "endpoint.json")
    made = Clinic(cloud, machine.folder / f"{stack}.yaml", stack, lambda: capsys.readouterr().out)
    made.write()
    monkeypatch.setattr(session, "target_of", lambda config: Elsewhere(cloud=cloud, changes=made.changes))
    return made
