"""The real service as a process of its own, asked over HTTP."""

import importlib.util
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx
import pytest

LM_API = Path(__file__).parent.parent
sys.path.insert(0, str(LM_API))

SECONDS_TO_HANG = 30
ENGINE_PACKAGES = ("xllamacpp", "aiohttp")


class Service:
    """A running lm-api: its address, its process and what it writes."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        own = {"HOST": "127.0.0.1", "CONTAINER_APP_PORT": str(self.port), "LM_THREADS": "1"}
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lm_api"],
            cwd=LM_API,
            env={**inherited, **own, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.client = httpx.Client(base_url=self.url, timeout=SECONDS_TO_HANG, trust_env=False)

    @property
    def stdout(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def wait_for(self, pattern: str) -> str:
        """The next line of its log that matches; a service that says no such thing for too long is killed."""
        watchdog = threading.Timer(SECONDS_TO_HANG, self.process.kill)
        watchdog.start()
        try:
            for line in self.stdout:
                if re.search(pattern, line):
                    return line
        finally:
            watchdog.cancel()
        raise AssertionError(f"ended without saying {pattern!r}: {self.process.communicate()[1]}")

    def ended(self) -> tuple[int, str, str]:
        """Exit code, rest of stdout and stderr, once it has ended by itself."""
        stdout, stderr = self.process.communicate(timeout=SECONDS_TO_HANG)
        return self.process.returncode, stdout, stderr

    def chat(self, *said: str, **fields: object) -> httpx.Response:
        """One chat completion; what is said alternates between user and assistant."""
        return self.client.post("/v1/chat/completions", json=question(*said, **fields))

    def metric(self, name: str) -> float:
        """One of llama.cpp's metrics now."""
        lines = self.client.get("/metrics").text.splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"llamacpp:{name} "))

    def close(self) -> None:
        """End it, however it is."""
        self.client.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def question(*said: str, **fields: object) -> dict[str, object]:
    """The body of a greedy chat request."""
    roles = ("user", "assistant")
    messages = [{"role": roles[index % 2], "content": text} for index, text in enumerate(said)]
    return {"model": "demo", "messages": messages, "temperature": 0, **fields}


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


Start = Callable[..., Service]


@contextmanager
def starter(cache: Path) -> Iterator[Start]:
    """Start services with any environment; all are ended afterwards."""
    missing = [name for name in ENGINE_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"lm-api's own requirements are not installed here: {', '.join(missing)}")
    services: list[Service] = []

    def start(**environ: object) -> Service:
        services.append(Service({"LM_CACHE": str(cache), **{name: str(value) for name, value in environ.items()}}))
        return services[-1]

    yield start
    for service in services:
        service.close()


@pytest.fixture
def start_lm(tmp_path: Path) -> Iterator[Start]:
    """A function that starts lm-api with the given environment variables."""
    with starter(tmp_path / "cache") as start:
        yield start


@pytest.fixture(scope="session")
def lm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One lm-api with the bundled model for all tests that only ask."""
    with starter(tmp_path_factory.mktemp("lm-cache")) as start:
        service = start(LM_MAX_TOKENS=900)
        service.wait_for("ready:")
        yield service
