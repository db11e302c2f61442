"""One daemon per session in a home of its own, and the real Azure clients pointed at it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import jwt
import pytest
import requests
from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential
from azure.keyvault.secrets import SecretClient
from azure.mgmt.resource.resources import ResourceManagementClient

C = TypeVar("C")
LOCATION = "germanywestcentral"
PATIENCE = 120
"""Seconds that a machine under load may take for what a quiet one does at once."""


@dataclass
class Cloud:
    """A daemon under test: starts, is killed, starts again on the same home."""

    home: Path
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    endpoint: dict[str, Any] = field(default_factory=dict)

    def start(self) -> None:
        """Run the daemon until `endpoint.json` says that it answers."""
        file = self.home / "endpoint.json"
        file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "chatops.localcloud", "--home", str(self.home), "--runtime", "process"]
        command += self.options
        log = self.home.with_name(f"{self.home.name}.log")  # not a pipe, which nobody would empty
        with log.open("ab") as output:
            self.process = subprocess.Popen(command, stderr=output)
        wait_for(lambda: file.exists() or self.process is None or self.process.poll() is not None)
        assert self.process.poll() is None, log.read_text()[-3000:]
        self.endpoint = json.loads(file.read_text())

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    @property
    def credential(self) -> ClientSecretCredential:
        return ClientSecretCredential(
            tenant_id="adfs",
            client_id=self.endpoint["client_id"],
            client_secret=Path(self.endpoint["client_secret_file"]).read_text(),
            authority=self.endpoint["arm"],
            disable_instance_discovery=True,
            connection_verify=self.endpoint["ca_file"],
        )

    @property
    def token(self) -> str:
        return self.credential.get_token(self.endpoint["arm"] + "/.default").token

    def client(self, cls: type[C], *positional: Any) -> C:
        """A management client of this type, unmodified but for its endpoint."""
        scopes = [self.endpoint["arm"] + "/.default"]
        where = {"base_url": self.endpoint["arm"], "credential_scopes": scopes}
        subscription = positional or (self.endpoint["subscription"],)
        return cls(self.credential, *subscription, connection_verify=self.endpoint["ca_file"], **where)

    def call(self, method: str, path: str, version: str = "2024-01-01", **more: Any) -> requests.Response:
        """One plain HTTP call with a token."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        query = {"api-version": version, **more.pop("params", {})}
        url = self.endpoint["arm"] + path
        ca = self.endpoint["ca_file"]
        return requests.request(method, url, params=query, headers=headers, verify=ca, timeout=PATIENCE, **more)

    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in Path(self.endpoint["calls"]).read_text().splitlines()]

    @property
    def operator(self) -> str:
        """The object id of whoever signs in."""
        return str(jwt.decode(self.token, options={"verify_signature": False})["oid"])

    def secrets(self, vault: str) -> SecretClient:
        """The data plane of a vault at its real name, through the proxy."""
        return SecretClient(
            vault_url=f"https://{vault}.vault.azure.net",
            credential=self.credential,
            proxies={"https": self.endpoint["proxy"]},
            connection_verify=self.endpoint["ca_file"],
        )

    @property
    def scope(self) -> str:
        return f"/subscriptions/{self.endpoint['subscription']}"


def wait_for(ready: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Look every few milliseconds until `ready()` holds."""
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def code_of(error: HttpResponseError) -> str:
    """Azure's error code, as the client parsed it."""
    assert error.error is not None
    return str(error.error.code)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    running = Cloud(tmp_path_factory.mktemp("cloud"))
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Cloud]:
    """A daemon of the test's own, for tests that kill it."""
    running = Cloud(tmp_path / "home")
    running.start()
    yield running
    if running.process and running.process.poll() is None:
        running.stop()


@pytest.fixture
def group(cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[str]:
    """A resource group named after the test, removed with all that the test left in it."""
    groups = cloud.client(ResourceManagementClient).resource_groups
    name = "rg-" + request.node.name.replace("[", "-").replace("]", "").replace("_", "-")[:60]
    groups.create_or_update(name, {"location": LOCATION})
    yield name
    if groups.check_existence(name):
        groups.begin_delete(name).result()
