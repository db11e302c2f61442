"""The home of a local cloud: its folders, its lock, and what it remembers of itself from one start to the next."""

from __future__ import annotations

import fcntl
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .store import Store
from .world import Settings

SETTINGS = "settings"


class HomeTaken(Exception):
    """Another daemon runs on this home."""


@dataclass(frozen=True)
class Places:
    """Where a daemon keeps things. `home` is the world itself; `cache` and `logs` outlive it."""

    home: Path
    cache: Path
    logs: Path

    @property
    def endpoint(self) -> Path:
        return self.home / "endpoint.json"

    @property
    def secret(self) -> Path:
        return self.home / "client-secret"

    @property
    def calls(self) -> Path:
        return self.logs / "calls.jsonl"

    def make(self) -> None:
        """Create the folders, readable by their owner alone."""
        for folder in (self.home, self.cache, self.logs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.home.chmod(0o700)


def take(places: Places) -> IO[str]:
    """Lock the home for this process; HomeTaken when another daemon has it."""
    lock = (places.home / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise HomeTaken(f"another local cloud is running on {places.home}") from None
    return lock


def settings(store: Store, home: Path) -> Settings:
    """This world's identity: made once, the same ever after."""
    kept = store.get(SETTINGS, "world")
    if kept is None:
        kept = {name: str(uuid.uuid4()) for name in ("subscription", "tenant", "client_id", "operator")}
        store.put(SETTINGS, "world", kept)
    return Settings(home=home, **kept)


def listener(store: Store, name: str) -> socket.socket:
    """A bound loopback socket on the port that `name` had last time, or on a free one."""
    kept = store.get(SETTINGS, f"port:{name}") or {"port": 0}
    # asyncio turns Nagle's delay off only where the protocol is named
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(("127.0.0.1", kept["port"]))
    except OSError:
        bound.bind(("127.0.0.1", 0))
    store.put(SETTINGS, f"port:{name}", {"port": bound.getsockname()[1]})
    return bound


def name_sockets(store: Store) -> tuple[socket.socket, socket.socket]:
    """TCP and UDP on one loopback port, the remembered one unless somebody else has it."""
    while True:
        stream = listener(store, "dns")
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            datagrams.bind(stream.getsockname())
        except OSError:
            for bound in (stream, datagrams):
                bound.close()
            store.put(SETTINGS, "port:dns", {"port": 0})
            continue
        datagrams.setblocking(False)
        return stream, datagrams
