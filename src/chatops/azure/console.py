"""Runs a command inside a replica, through Azure's container exec, and hears what it prints.

It speaks what `az containerapp exec` speaks (see `localcloud/data/consoles.py` for the bytes). Azure tells in words,
not in numbers, how a command ended: whoever needs to know has the command print it.
https://learn.microsoft.com/azure/container-apps/container-console
"""

from __future__ import annotations

import json
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlencode

from chatops.azure.calls import calling
from chatops.azure.clients import Azure
from chatops.errors import NotReachable

FORWARD, INFO, ERROR = 0, 1, 2
CONNECT_SECONDS = 20.0


@dataclass(frozen=True)
class Inside:
    """A container of one replica: where commands can be run. `endpoint` is its `execEndpoint`."""

    group: str
    app: str
    replica: str
    endpoint: str


@dataclass(frozen=True)
class Said:
    """What a command printed, and what Azure said about it where it did not end well."""

    output: str
    error: str | None


def run_inside(azure: Azure, inside: Inside, command: str, seconds: float) -> Said:
    """Run `command` (words, no shell) and wait for its end, for `seconds` at most.

    Raises NotReachable when the console cannot be had, TimeoutError when the command does not end.
    """
    from websockets.exceptions import ConnectionClosed, WebSocketException
    from websockets.sync.client import connect

    what = f"running `{command}` in replica '{inside.replica}'"
    with calling("asking for a token of", f"container app '{inside.app}'"):
        answer = azure.container_apps.container_apps.get_auth_token(inside.group, inside.app)
    token = str(answer.properties.token if answer.properties else "")
    deadline = time.monotonic() + seconds
    messages: list[bytes] = []
    try:
        with connect(
            f"{inside.endpoint}?{urlencode({'command': command})}",
            additional_headers={"Authorization": f"Bearer {token}"},
            ssl=ssl.create_default_context(cafile=azure.cloud.ca_file),
            proxy=None if azure.cloud.proxy else True,
            open_timeout=CONNECT_SECONDS,
            close_timeout=1,
        ) as socket:
            while True:
                message = socket.recv(timeout=max(0.0, deadline - time.monotonic()))
                messages.append(message if isinstance(message, bytes) else message.encode())
    except ConnectionClosed:
        return _heard(messages)
    except TimeoutError:
        raise TimeoutError(f"`{command}` did not end within {seconds:g} s") from None
    except (WebSocketException, OSError) as error:
        raise NotReachable(what, f"no console ({type(error).__name__}: {error})") from error


def _heard(messages: list[bytes]) -> Said:
    output = b"".join(message[2:] for message in messages if message[:1] == bytes([FORWARD]))
    errors = [_sentence(message[1:]) for message in messages if message[:1] == bytes([ERROR])]
    return Said(output.decode(errors="replace").replace("\r\n", "\n"), errors[0] if errors else None)


def _sentence(said: bytes) -> str:
    """Azure's message in the JSON that its proxy sends, or whatever else it sent."""
    text = said.decode(errors="replace")
    try:
        return str(json.loads(text)["Error"]["Message"])
    except (ValueError, KeyError, TypeError):
        return text


def inside(azure: Azure, group: str, app: str, revision: str) -> Inside | None:
    """Return the first container that runs in a revision, None when none does."""
    with calling("listing replicas of", f"revision '{revision}'"):
        replicas = azure.container_apps.container_apps_revision_replicas.list_replicas(group, app, revision).value
    for replica in replicas:
        for container in (replica.properties.containers if replica.properties else None) or []:
            if container.running_state == "Running" and container.exec_endpoint:
                return Inside(group, app, str(replica.name), container.exec_endpoint)
    return None
