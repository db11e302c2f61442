"""The gate: what a revision has to prove before anybody's request reaches it. Ready, healthy, and a smoke test inside.

https://learn.microsoft.com/azure/container-apps/health-probes
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chatops.azure.clients import Azure
from chatops.azure.console import inside, run_inside
from chatops.azure.limits import at_most
from chatops.errors import GateFailed, Interrupted, NotReachable
from chatops.rollout.logs import last_lines
from chatops.rollout.revisions import Place, Revision
from chatops.rollout.verdict import Container, Verdict, judge

SMOKE_SECONDS = 90.0
HEALTH_SECONDS = 10.0
CONSOLE_TRIES = 3
Report = Callable[[str], None]


@dataclass(frozen=True)
class Gate:
    """What one service's revisions have to pass.

    `ready_within` is in seconds; `health` the path that is asked from outside, None for an internal app; `smoke` the
    command that is run in a replica and prints one line of JSON, None where the image has none.
    """

    ready_within: float
    health: str | None
    smoke: str | None


@dataclass(frozen=True)
class Candidate:
    """The revision before the gate."""

    azure: Azure
    place: Place
    name: str
    report: Report

    def failed(self, why: str) -> GateFailed:
        lines = last_lines(self.azure, self.place, self.name)
        return GateFailed(self.place.name, self.name, why, lines)

    def pause(self) -> None:
        """Until the next look. Raises Interrupted when the operator wants to stop."""
        if self.azure.stop.wait(self.azure.cloud.poll_seconds):
            raise Interrupted("stopped at the gate; the revision has no traffic")


def admit(candidate: Candidate, gate: Gate) -> None:
    """Return when the revision has passed. Raises GateFailed with the reason and its last log lines."""
    revision = ready(candidate, gate.ready_within)
    if gate.health:
        _healthy(candidate, revision, gate.health)
    if gate.smoke:
        _smoke(candidate, gate.smoke)
    else:
        candidate.azure.tell(
            f"{candidate.place.name}: its image has no smoke test: {candidate.name} is admitted by readiness and health"
        )


def ready(candidate: Candidate, within: float) -> Revision:
    """Wait until the revision is ready, for `within` seconds. Raises GateFailed, saying what is wrong with it."""
    seconds = at_most(within)
    deadline = time.monotonic() + seconds
    candidate.report(f"{candidate.name}: waiting until it is ready")
    while True:
        found = candidate.place.revision(candidate.azure, candidate.name)
        containers = _containers(candidate) if found and found.health != "Healthy" else []
        verdict = judge(found, containers)
        if found and verdict.outcome == Verdict.READY:
            return found
        if verdict.outcome == Verdict.FAILED:
            raise candidate.failed(verdict.why)
        if time.monotonic() > deadline:
            raise candidate.failed(f"was not ready within {seconds:g} s{verdict.because}")
        candidate.report(f"{candidate.name}: waiting until it is ready{verdict.because}")
        candidate.pause()


def _containers(candidate: Candidate) -> list[Container]:
    place = candidate.place
    listed = candidate.azure.read(f"{place.id}/revisions/{candidate.name}/replicas", "2026-01-01") or {}
    bodies = [one for replica in listed.get("value", []) for one in replica["properties"].get("containers") or []]
    return [Container.of(body) for body in bodies]


def _healthy(candidate: Candidate, revision: Revision, path: str) -> None:
    """Ask the health endpoint at the revision's own name, as its users would reach it."""
    import requests

    cloud = candidate.azure.cloud
    url, headers = cloud.reach(revision.fqdn)
    candidate.report(f"{candidate.name}: asking {path}")
    try:
        answer = requests.get(url + path, headers=headers, timeout=HEALTH_SECONDS, allow_redirects=False)
    except requests.Timeout:
        raise candidate.failed(f"did not answer GET {path} within {HEALTH_SECONDS:g} s") from None
    except requests.RequestException as error:
        raise candidate.failed(f"could not be asked for {path}: {type(error).__name__}") from error
    if answer.status_code >= 400:
        raise candidate.failed(f"answered GET {path} with HTTP {answer.status_code}")


def _smoke(candidate: Candidate, command: str) -> None:
    candidate.report(f"{candidate.name}: smoke test")
    verdict = verdict_in(_said(candidate, command))
    if verdict is None:
        raise candidate.failed(f"its smoke test `{command}` did not say how it went")
    if not verdict.get("ok"):
        raise candidate.failed(f"failed its smoke test: {verdict.get('why', 'no reason given')}")
    candidate.azure.tell(f"{candidate.place.name}: smoke test of {candidate.name}: {verdict.get('did', 'passed')}")


def _said(candidate: Candidate, command: str) -> str:
    azure, place = candidate.azure, candidate.place
    for attempt in range(CONSOLE_TRIES):
        found = inside(azure, place.group, place.name, candidate.name)
        if found is None:
            raise candidate.failed("has no running replica to run its smoke test in")
        try:
            said = run_inside(azure, found, command, SMOKE_SECONDS)
        except TimeoutError as error:
            raise candidate.failed(f"failed its smoke test: {error}") from error
        except NotReachable as error:
            if attempt == CONSOLE_TRIES - 1:
                raise candidate.failed(f"its smoke test could not be run: {error.cause}") from error
            candidate.pause()
            continue
        return said.output or said.error or ""
    raise AssertionError("unreachable")


def verdict_in(output: str) -> dict[str, Any] | None:
    """The last line of output that is an object with `ok` in it."""
    for line in reversed(output.splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and "ok" in found:
            return found
    return None
