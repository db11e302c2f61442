"""The local cloud's daemon as a process: is it there, start it, stop it. It is spoken to over HTTPS and by signals."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chatops.cli import azure_cli, places
from chatops.errors import ChatopsError

START_SECONDS = 180.0
STOP_SECONDS = 180.0


def endpoint_file() -> Path:
    """The file that a running daemon describes itself in."""
    return places.world() / "endpoint.json"


def endpoint() -> dict[str, Any] | None:
    """Return how to reach the daemon, None when none is running."""
    try:
        found: dict[str, Any] = json.loads(endpoint_file().read_text())
    except FileNotFoundError:
        return None
    return found if _answers(found["arm"]) else None


def has_world() -> bool:
    """Tell whether there is, or was, a local cloud with something in it."""
    return places.world().is_dir()


def start(tell: Callable[[str], None], runtime: str | None = None) -> dict[str, Any]:
    """Return the running daemon's endpoint, after starting it in the background when there was none.

    `runtime` is what replicas are to be: auto, docker or process; None: as last time.
    """
    if (found := endpoint()) is not None:
        _agree(found, runtime)
        return found
    _require_extra()
    tell("starting the local cloud")
    places.logs().mkdir(parents=True, exist_ok=True)
    log = places.logs() / "daemon.log"
    endpoint_file().unlink(missing_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            _command(runtime),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd="/",
            env=_environment(),
        )
    found = _wait_until_ready(process, log)
    if reason := found["runtime_reason"]:
        tell(f"replicas run as processes: {reason}")
    return found


def _agree(found: Mapping[str, Any], runtime: str | None) -> None:
    if runtime not in (None, "auto", found["runtime"]):
        raise ChatopsError(
            f"the local cloud is running with the runtime '{found['runtime']}'",
            hint=f"chatops cloud stop, then chatops cloud start --runtime {runtime}",
        )


def _command(runtime: str | None) -> list[str]:
    folders = ["--home", str(places.world()), "--cache", str(places.cache()), "--logs", str(places.logs())]
    asked = ["--runtime", runtime] if runtime else []
    return [sys.executable, "-m", "chatops.localcloud", *folders, *asked]


def _environment() -> dict[str, str]:
    """This shell's environment, but not what `cloud env` put there: the daemon's own downloads go past its proxy."""
    if os.environ.get("AZURE_CONFIG_DIR") != str(azure_cli.folder()):
        return dict(os.environ)
    return {name: value for name, value in os.environ.items() if name not in azure_cli.REDIRECTING}


def _require_extra() -> None:
    if find_spec("starlette") is None:
        raise ChatopsError(
            "the local cloud is not installed",
            hint="pip install 'chatops[local]', or set target: azure in the configuration",
        )


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if (found := endpoint()) is not None:
            return found
        time.sleep(0.02)
    if (found := endpoint()) is not None:
        return found
    last = log.read_text(errors="replace").strip().splitlines()[-5:]
    raise ChatopsError("the local cloud did not start:\n" + "\n".join(last), hint=f"the whole log: {log}")


def stop() -> bool:
    """End the daemon in order, replicas and databases included. Returns whether one was running."""
    found = endpoint()
    if found is None:
        return False
    os.kill(found["pid"], signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while endpoint_file().exists() or _lives(found["pid"]):
        if time.monotonic() > deadline:
            raise ChatopsError(
                f"the local cloud (pid {found['pid']}) does not stop", hint=f"its log: {places.logs()}/daemon.log"
            )
        time.sleep(0.02)
    return True


def wipe() -> None:
    """Delete the local cloud's world. The daemon must be stopped."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(places.world())


def _answers(arm: str) -> bool:
    place = urlsplit(arm)
    try:
        socket.create_connection((place.hostname, place.port), timeout=2).close()
    except OSError:
        return False
    return True


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
