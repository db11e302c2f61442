"""People who come and go, and the language model's replicas that follow: plotted as text, beside what the rule asks.

    python benchmarks/scaling.py --users 20 --rise 40 --hold 20 --fall 20

Users come evenly, chat without a pause, and go evenly; then the script looks on (bounded) until lm-api is back at its
minimum, 300 s after the last evaluation that needed more. The stack must be up on the local cloud.
`asked` is how many people wait for the page or their answer (lm-api itself has fewer at a time), `need` that over the
rule's concurrency within the bounds: the most that the rule could ask for.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
from load import QUESTIONS, Seen, chatops, converse

from chatops.azure.clients import Azure
from chatops.azure.cloud import local
from chatops.cli.daemon import endpoint_file

APP = "lm-api"
LOOK = 2.5  # seconds between two looks
STABILIZATION = 300
PATIENCE = 60  # seconds beyond the stabilization


@dataclass(frozen=True)
class Look:
    at: float
    users: int
    asked: int
    replicas: int
    ready: int


@dataclass
class Crowd:
    """Who is there, and how many of them wait for an answer."""

    users: int = 0
    asked: int = 0
    seen: Seen = field(default_factory=Seen)

    async def person(self, number: int, page: str, come: float, go: float) -> None:
        await asyncio.sleep(come)
        self.users += 1
        began = time.monotonic()
        async with httpx.AsyncClient(base_url=page, headers={"Origin": page}, timeout=240, trust_env=False) as client:
            while time.monotonic() < began + go - come:
                self.asked += 1
                try:
                    await converse(client, QUESTIONS[number % len(QUESTIONS)], self.seen)
                except httpx.HTTPError as error:
                    self.seen.failures[type(error).__name__] += 1
                finally:
                    self.asked -= 1
        self.users -= 1


class Cloud:
    """The app as the management API shows it."""

    def __init__(self) -> None:
        self._azure = Azure(local(endpoint_file()))
        apps = self._azure.container_apps.container_apps
        self._app: Any = next(app for app in apps.list_by_subscription() if app.name == APP)
        self.group = self._app.id.split("/")[4]
        scale = self._app.template.scale
        self.minimum, self.maximum = scale.min_replicas or 0, scale.max_replicas
        self.concurrency = int(scale.rules[0].http.metadata["concurrentRequests"])
        self.interval = min(15, scale.polling_interval)

    def replicas(self) -> tuple[int, int]:
        listed = self._azure.container_apps.container_apps_revision_replicas.list_replicas(
            self.group, APP, self._app.latest_revision_name
        )
        containers = [one.properties.containers[0] for one in listed.value if one.properties]
        return len(containers), sum(bool(one.ready) for one in containers)

    def need(self, asked: float) -> int:
        return max(self.minimum, min(self.maximum, math.ceil(asked / self.concurrency)))


async def watch(cloud: Cloud, crowd: Crowd, looks: list[Look], began: float) -> None:
    while True:
        there, ready = await asyncio.to_thread(cloud.replicas)
        looks.append(Look(time.monotonic() - began, crowd.users, crowd.asked, there, ready))
        await asyncio.sleep(LOOK)


async def run(users: int, rise: float, hold: float, fall: float) -> None:
    page, cloud, crowd = str(chatops("open")["page"]).rstrip("/"), Cloud(), Crowd()
    looks: list[Look] = []
    began = time.monotonic()
    watcher = asyncio.create_task(watch(cloud, crowd, looks, began))
    stay = [(rise * n / users, rise + hold + fall * (n + 1) / users) for n in range(users)]
    await asyncio.gather(*(crowd.person(n, page, come, go) for n, (come, go) in enumerate(stay)))
    calm = time.monotonic()
    while looks[-1].replicas > cloud.minimum and time.monotonic() < calm + STABILIZATION + PATIENCE:
        await asyncio.sleep(LOOK)
    watcher.cancel()
    show(cloud, crowd, looks)


def show(cloud: Cloud, crowd: Crowd, looks: list[Look]) -> None:
    print(f"{APP}: {cloud.minimum} to {cloud.maximum} replicas, {cloud.concurrency} requests each", end="")
    print(f", looked at every {cloud.interval} s; scale-in after {STABILIZATION} s")
    print("    s users asked need replicas (# ready, + starting)")
    shown: Look | None = None
    for look in looks:
        same = shown and (look.users, look.replicas, look.ready) == (shown.users, shown.replicas, shown.ready)
        if same and look is not looks[-1]:
            continue
        bar = "#" * look.ready + "+" * (look.replicas - look.ready)
        print(f"{look.at:5.0f} {look.users:5} {look.asked:5} {cloud.need(look.asked):4} {look.replicas:3} {bar}")
        shown = look
    seen = crowd.seen
    statuses = ", ".join(f"{count} x {status}" for status, count in sorted(seen.statuses.items()))
    print(
        f"answers: {len(seen.answers)}, cut off: {seen.cut_off}, failures: {dict(seen.failures)}, statuses: {statuses}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--users", type=int, default=20)
    for name, seconds in (("--rise", 40), ("--hold", 20), ("--fall", 20)):
        parser.add_argument(name, type=float, default=seconds, help="seconds")
    options = parser.parse_args()
    asyncio.run(run(options.users, options.rise, options.hold, options.fall))


if __name__ == "__main__":
    main()
