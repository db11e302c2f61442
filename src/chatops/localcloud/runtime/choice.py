"""Which runtime a world has: containers of a Docker engine, or processes. Decided once, while it holds no image.

`auto` takes containers where an engine passes the trial. Images are made for one runtime or the other, so a world with
a registry stays with what it has, and an engine that is away for a while does not change it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .docker.trial import objection, socket_path

AUTO, DOCKER, PROCESS = RUNTIMES = ("auto", "docker", "process")


class Unfit(Exception):
    """The runtime that was asked for cannot be had."""


@dataclass(frozen=True)
class Choice:
    """`asked` is one of RUNTIMES, `runtime` docker or process; `socket` is the engine's, None for processes.

    `reason` says in one line why `auto` did not take docker, and is "" otherwise.
    """

    asked: str
    runtime: str
    socket: str | None = None
    reason: str = ""

    def kept(self) -> dict[str, Any]:
        """As it is remembered."""
        return asdict(self)


async def choose(asked: str | None, before: Choice | None, bound: bool) -> Choice:
    """What `asked` (None: as last time) comes to. `bound` is true where the world holds images. Raises Unfit."""
    if bound:
        before = before or Choice(AUTO, PROCESS)  # from before there was a choice
    wanted = asked or (before.asked if before else AUTO)
    if before and bound:
        if wanted not in (AUTO, before.runtime):
            raise Unfit(
                f"this world's images are for the runtime {before.runtime!r}, not {wanted!r}: "
                "take its stacks down (chatops down) or delete it (chatops cloud reset) first"
            )
        return Choice(wanted, before.runtime, before.socket, before.reason)
    if wanted == PROCESS:
        return Choice(wanted, PROCESS)
    path = socket_path()
    against = await objection(path)
    if against is None:
        return Choice(wanted, DOCKER, path)
    if wanted == DOCKER:
        raise Unfit(f"the runtime 'docker' cannot be had: {against}")
    return Choice(wanted, PROCESS, reason=against)
