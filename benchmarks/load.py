"""Many people on the chat page at once: what they see, and how the language model's replicas follow.

    python benchmarks/load.py --users 30 --seconds 60

Each user opens the page, asks a question as the page's script does, reads the streamed answer to its end, and asks the
next. The load stops by itself. Then the script waits (bounded) until lm-api is back at its minimum. The stack must be
up.
One JSON object is printed: responses by status, seconds to the first word and to the whole answer, replicas over time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

CHATOPS = str(Path(sys.executable).parent / "chatops")
QUESTIONS = (
    "What is this app?",
    "What can you do?",
    "How does scaling work?",
    "Where are my messages stored?",
    "Hello!",
)
CALM_SECONDS = 360  # replicas go 300 s after they were last needed


@dataclass
class Seen:
    """What all users saw together. Times are in seconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    first_words: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    cut_off: int = 0


def chatops(*words: str) -> dict[str, Any]:
    ran = subprocess.run([CHATOPS, *words, "--output", "json"], capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return result


async def replicas() -> int:
    status = await asyncio.to_thread(chatops, "status")
    return next(int(app["replicas"]) for app in status["apps"] if app["name"] == "lm-api")


async def user(number: int, page: str, until: float, seen: Seen) -> None:
    limits = httpx.Timeout(240)
    async with httpx.AsyncClient(base_url=page, headers={"Origin": page}, timeout=limits, trust_env=False) as client:
        while time.monotonic() < until:
            try:
                await converse(client, QUESTIONS[number % len(QUESTIONS)], seen)
            except httpx.HTTPError as error:
                seen.failures[type(error).__name__] += 1
            number += 1


async def converse(client: httpx.AsyncClient, question: str, seen: Seen) -> None:
    landing = await client.get("/")
    seen.statuses[landing.status_code] += 1
    action = re.search(r'id="composer"[^>]*action="([^"]+)"', landing.text)
    if action is None:
        return
    asked, first = time.monotonic(), None
    form = {"message": question, "message_id": str(uuid4())}
    complete = False
    headers = {"Accept": "text/event-stream"}
    async with client.stream("POST", action[1].replace("&amp;", "&"), data=form, headers=headers) as answer:
        seen.statuses[answer.status_code] += 1
        async for line in answer.aiter_lines():
            if line == "event: token" and first is None:
                first = time.monotonic() - asked
            complete = complete or '"state": "complete"' in line
    seen.first_words.append(first or time.monotonic() - asked)
    seen.answers.append(time.monotonic() - asked)
    seen.cut_off += not complete


async def watch(curve: list[tuple[float, int]], began: float, stop: asyncio.Event) -> None:
    while not stop.is_set():
        curve.append((round(time.monotonic() - began, 1), await replicas()))
        try:
            await asyncio.wait_for(stop.wait(), 2)
        except TimeoutError:
            continue


async def run(users: int, seconds: float) -> dict[str, Any]:
    page = str(chatops("open")["page"]).rstrip("/")
    minimum = next(app["minimum"] for app in chatops("status")["apps"] if app["name"] == "lm-api")
    seen, curve, stop, began = Seen(), [], asyncio.Event(), time.monotonic()
    watcher = asyncio.create_task(watch(curve, began, stop))
    await asyncio.gather(*(user(number, page, began + seconds, seen) for number in range(users)))
    loaded = time.monotonic() - began
    while curve[-1][1] > minimum and time.monotonic() - began < loaded + CALM_SECONDS:
        await asyncio.sleep(2)
    stop.set()
    await watcher
    return {
        "users": users,
        "seconds": round(loaded, 1),
        "statuses": dict(seen.statuses),
        "server_errors": sum(count for status, count in seen.statuses.items() if status >= 500),
        "failures": dict(seen.failures),
        "answers": len(seen.answers),
        "cut_off": seen.cut_off,
        "first_word_median": round(statistics.median(seen.first_words), 2) if seen.first_words else None,
        "answer_median": round(statistics.median(seen.answers), 2) if seen.answers else None,
        "answer_max": round(max(seen.answers), 2) if seen.answers else None,
        "lm_replicas_max": max(count for _, count in curve),
        "lm_replicas_end": curve[-1][1],
        "lm_replicas": curve,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--users", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(run(options.users, options.seconds))))


if __name__ == "__main__":
    main()
