"""The real service as a process of its own, asked over HTTP."""

import importlib.util
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO

import httpx
import pytest

LM_API = Path(__file__).parent.parent
sys.path.insert(0, str(LM_API))

SECONDS_TO_HANG = 120
ENGINE_PACKAGES = ("xllamacpp", "aiohttp")


class Output:
    """What a process writes into a pipe, taken out as it comes: a full pipe would stop the process."""

    def __init__(self, pipe: IO[str] | None) -> None:
        assert pipe is not None
        self._lines: SimpleQueue[str] = SimpleQueue()
        Thread(target=self._read, args=(pipe,), daemon=True).start()

    def _read(self, pipe: IO[str]) -> None:
        for line in pipe:
            self._lines.put(line)
        pipe.close()
        self._lines.put("")

    def line(self) -> str:
        """The next line, "" after the last. Raises Empty when none comes for too long."""
        return self._lines.get(timeout=SECONDS_TO_HANG)

    def rest(self) -> str:
        """What was not read yet, to the end."""
        return "".join(iter(self.line, ""))


class Service:
    """A running lm-api: its address, its process and what it writes."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._held = held_port()
        self.port = int(self._held.getsockname()[1])
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
        self.stdout, self.stderr = Output(self.process.stdout), Output(self.process.stderr)
        self.client = httpx.Client(base_url=self.url, timeout=SECONDS_TO_HANG, trust_env=False)

    def wait_for(self, pattern: str) -> str:
        """The next line of its log that matches; a service that says nothing for too long is killed."""
        try:
            while line := self.stdout.line():
                if re.search(pattern, line):
                    return line
        except Empty:
            self.process.kill()
        raise AssertionError(f"ended without saying {pattern!r}: {self.stderr.rest()}")

    def ended(self) -> tuple[int, str, str]:
        """Exit code, rest of stdout and stderr, once it has ended by itself."""
        code = self.process.wait(SECONDS_TO_HANG)
        return code, self.stdout.rest(), self.stderr.rest()

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
        self.process.wait()
        self._held.close()


def question(*said: str, **fields: object) -> dict[str, object]:
    """The body of a greedy chat request."""
    roles = ("user", "assistant")
    messages = [{"role": roles[index % 2], "content": text} for index, text in enumerate(said)]
    return {"model": "demo", "messages": messages, "temperature": 0, **fields}


def held_port() -> socket.socket:
    """A socket on a port that nobody else is given while it is open; a server may listen there all the same."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


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
