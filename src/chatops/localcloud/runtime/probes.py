"""Health probes as Container Apps runs them (https://learn.microsoft.com/azure/container-apps/health-probes).

One thing differs: before a replica has ever been ready, its startup and readiness probes are asked several times a
second and the initial delay is not waited for, since a rehearsal should not make anybody wait. What a probe tolerates
is the same: initial delay + period x failure threshold.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from .spec import Probe

EAGER = 0.1  # seconds between two questions to a replica that was never ready

# what Azure adds to an app with ingress; an empty path means a TCP connection
STARTUP = Probe("Startup", "", period=1, timeout=3, failure_threshold=240)
READINESS = Probe("Readiness", "", period=5, timeout=5, failure_threshold=48)


def effective(probes: tuple[Probe, ...], ingress: bool) -> dict[str, Probe]:
    """The probes by kind, with Azure's defaults for an app with ingress that defines none of that kind."""
    defaults = (STARTUP, READINESS) if ingress else ()
    return {probe.kind: probe for probe in (*defaults, *probes)}


def allowance(probe: Probe) -> float:
    """Seconds that a replica may fail this probe from its start."""
    return probe.initial_delay + probe.period * probe.failure_threshold


async def trouble(probe: Probe, address: tuple[str, int]) -> str:
    """Ask once for an HTTP status from 200 to 399, or for a TCP connection. "" when it came in time, else what did."""
    what = f"GET {probe.path}" if probe.path else "TCP connection"
    try:
        async with asyncio.timeout(probe.timeout):
            status = await _ask(probe.path, address)
    except TimeoutError:
        return f"{probe.kind} probe failed: {what}: no answer within {probe.timeout:g} s"
    except ConnectionRefusedError:
        return f"{probe.kind} probe failed: {what}: connection refused, nothing listens on the port"
    except (OSError, ValueError, IndexError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        return f"{probe.kind} probe failed: {what}: no HTTP answer ({type(error).__name__})"
    return "" if 200 <= status < 400 else f"{probe.kind} probe failed: {what}: HTTP status code {status}"


async def _ask(path: str, address: tuple[str, int]) -> int:
    """The status of `GET path`; 200 for a bare connection where there is no path."""
    host, port = address
    reader, writer = await asyncio.open_connection(host, port)
    try:
        if not path:
            return 200
        request = (
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: kube-probe/1.31\r\nConnection: close\r\n\r\n"
        )
        writer.write(request.encode())
        status_line = await reader.readuntil(b"\r\n")
        return int(status_line.split()[1])
    finally:
        writer.close()


@dataclass
class Health:
    """Watches one running replica. `on_ready` hears every change; `ended` returns why it must be restarted.

    `trouble` is what keeps it from being ready: what its last startup or readiness probe found, "" when that succeeded.
    """

    probes: dict[str, Probe]
    address: tuple[str, int]
    on_ready: Callable[[bool], None]
    trouble: str = ""

    async def _succeeds(self, probe: Probe) -> bool:
        self.trouble = await trouble(probe, self.address)
        return not self.trouble

    async def ended(self) -> str:
        """Runs until startup or liveness fails for good; the result says which and why."""
        startup = self.probes.get("Startup")
        if startup and not await self._started(startup):
            return f"startup probe failed for {allowance(startup):g} s: {_name(startup)}"
        readiness = asyncio.create_task(self._follow_readiness())
        try:
            return await self._liveness()
        finally:
            readiness.cancel()

    async def _started(self, probe: Probe) -> bool:
        deadline = asyncio.get_running_loop().time() + allowance(probe)
        while not await self._succeeds(probe):
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(min(probe.period, EAGER))
        return True

    async def _follow_readiness(self) -> None:
        probe = self.probes.get("Readiness")
        if probe is None:
            self.on_ready(True)
            return
        ready = ever = False
        streak = 0
        while True:
            good = await self._succeeds(probe)
            streak = streak + 1 if good != ready else 0
            if streak >= (probe.success_threshold if good else probe.failure_threshold):
                ready, streak, ever = good, 0, True
                self.on_ready(ready)
            await asyncio.sleep(probe.period if ever else min(probe.period, EAGER))

    async def _liveness(self) -> str:
        probe = self.probes.get("Liveness")
        if probe is None:
            await asyncio.Event().wait()
            raise AssertionError("unreachable")
        await asyncio.sleep(probe.initial_delay)
        failures = 0
        while failures < probe.failure_threshold:
            failures = failures + 1 if await trouble(probe, self.address) else 0
            if failures < probe.failure_threshold:
                await asyncio.sleep(probe.period)
        return f"liveness probe failed {failures} times: {_name(probe)}"


def _name(probe: Probe) -> str:
    return f"GET {probe.path}" if probe.path else "TCP connection"
