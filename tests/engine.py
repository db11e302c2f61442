"""A real Docker engine for tests: that of DOCKER_HOST, else one of our own on a socket of its own.

Its images can be built without any registry in reach: `python:3.12-slim` is there, as tests/base_image.py makes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import base_image
import docker
import psutil
import pytest
from docker.errors import APIError, DockerException, ImageNotFound
from requests import RequestException

BASE = "python:3.12-slim"
START_SECONDS = 180.0
STOP_SECONDS = 120.0


@dataclass
class Engine:
    """An engine that answers at `host`, the value for DOCKER_HOST."""

    host: str

    @cached_property
    def client(self) -> docker.DockerClient:
        return docker.DockerClient(self.host, timeout=120)

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except (DockerException, RequestException):
            return False


@dataclass
class OwnEngine(Engine):
    """An engine of our own in `folder`, with a bridge of its own: others on this machine are not touched.

    `network` is the first half of all its addresses.
    """

    folder: Path
    network: str = ""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def bridge(self) -> str:
        return f"ct{os.getpid()}-{self.folder.name[-4:]}"[:15]

    def start(self) -> None:
        """Run dockerd until it answers; once stopped or killed it starts again on the same images."""
        folder = self.folder
        (folder / "docker.pid").unlink(missing_ok=True)
        command = ["dockerd", "--host", self.host, "--bridge", self.bridge, "--pidfile", str(folder / "docker.pid")]
        command += ["--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")]
        command += ["--default-address-pool", f"base={self.network}.128.0/17,size=24"]
        with (folder / "dockerd.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"dockerd did not start:\n{(folder / 'dockerd.log').read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End dockerd and every process that it started. SIGKILL: as in a crash, with nothing put in order."""
        assert self.process
        family = self._family()
        self.process.send_signal(number)
        self.process.wait(STOP_SECONDS)
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=STOP_SECONDS)

    def _family(self) -> list[psutil.Process]:
        """containerd, its shims (which are nobody's children) and the containers below them."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess):
                words = process.cmdline()
                if words and words[0] != "dockerd" and f"{self.folder}/" in " ".join(words):
                    found += [process, *process.children(recursive=True)]
        return found

    def load_base(self) -> None:
        """Put the base image in, unless it is there."""
        try:
            self.client.images.get(BASE)
        except ImageNotFound:
            command = ["docker", "--host", self.host, "import", str(base_image.archive()), BASE]
            subprocess.run(command, check=True, capture_output=True)


def reason_against() -> str | None:
    """Say why no engine can be started here, None when one can."""
    if os.geteuid() != 0:
        return "dockerd needs root, and DOCKER_HOST names no engine"
    if missing := [program for program in ("dockerd", "docker", "ip") if shutil.which(program) is None]:
        return f"{', '.join(missing)} not found (Debian: apt install docker.io iproute2), and DOCKER_HOST is not set"
    return base_image.reason_against()


@contextmanager
def own_engine() -> Iterator[OwnEngine]:
    """Run an engine of our own that a test may kill. Skips the test, with the reason, where there can be none."""
    if reason := reason_against():
        pytest.skip(f"no Docker engine: {reason}")
    # a socket's path holds about a hundred characters: pytest's own folders are too deep
    with tempfile.TemporaryDirectory(prefix="engine-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        engine = OwnEngine(f"unix://{folder / 'docker.sock'}", folder)
        with _bridge(engine.bridge) as engine.network:
            engine.start()
            try:
                engine.load_base()
                yield engine
            finally:
                if engine.answers():
                    _end_containers(engine)
                engine.stop()
                _unmount(folder)


@contextmanager
def _bridge(name: str) -> Iterator[str]:
    subprocess.run(["ip", "link", "add", "name", name, "type", "bridge"], check=True)
    try:
        with Path(tempfile.gettempdir(), "chatops-tests-bridges.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two that start together would take the same addresses
            taken = {address.address for addresses in psutil.net_if_addrs().values() for address in addresses}
            free = next(f"10.{number}" for number in range(200, 250) if f"10.{number}.77.1" not in taken)
            subprocess.run(["ip", "address", "add", f"{free}.77.1/24", "dev", name], check=True)
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
        yield free
    finally:
        subprocess.run(["ip", "link", "delete", name], check=True)


def _end_containers(engine: OwnEngine) -> None:
    for container in engine.client.containers.list(all=True, ignore_removed=True):
        with suppress(APIError):  # it is being removed already
            container.remove(force=True)
    for network in engine.client.networks.list(filters={"type": "custom"}):
        network.remove()


def _unmount(folder: Path) -> None:
    """Take away what a killed engine left mounted, the innermost first."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in reversed([mount for mount in mounts if mount.startswith(f"{folder}/")]):
        subprocess.run(["umount", "--lazy", mount], check=False)  # it may go with the last process in it


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The engine of this session. Name what you make in it, and take it away: DOCKER_HOST's may be somebody's own."""
    host = os.environ.get("DOCKER_HOST")
    if not host:
        with own_engine() as own:
            yield own
        return
    found = Engine(host)
    assert found.answers(), f"DOCKER_HOST names {host}, where no engine answers"
    yield found
