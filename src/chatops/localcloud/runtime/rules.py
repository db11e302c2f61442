"""What each scale rule asks for: pure functions of what was measured, as KEDA and the HPA of Kubernetes compute it.

https://learn.microsoft.com/azure/container-apps/scale-app, https://keda.sh/docs/latest/scalers/cron/ and
https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

from .spec import Cron, Rule, Utilization

TOLERANCE = 0.1  # the HPA leaves the count alone while utilization is this close to its target


@dataclass(frozen=True)
class Load:
    """What was measured: concurrent requests of all replicas, and each replica's mean share of what it asked for."""

    requests: float
    cpu: float = 0.0
    memory: float = 0.0


@dataclass(frozen=True)
class Wish:
    """The replicas that one rule, or all together, ask for; an active one keeps the last replica alive."""

    replicas: int
    active: bool


def by_requests(concurrency: int, load: Load) -> Wish:
    """One replica for each `concurrency` requests in flight, rounded up."""
    return Wish(math.ceil(load.requests / concurrency), load.requests > 0)


def by_utilization(rule: Utilization, load: Load, current: int) -> Wish:
    """As many replicas as bring utilization to its target. Never a reason to start the first, nor to keep the last."""
    used = load.cpu if rule.resource == "cpu" else load.memory
    ratio = used * 100 / rule.percent
    return Wish(current if abs(1 - ratio) <= TOLERANCE else math.ceil(current * ratio), active=False)


def by_time(rule: Cron, now: datetime) -> Wish:
    """The replicas that the schedule asks for between its start and its end, one (or none) outside."""
    local = now.astimezone(ZoneInfo(rule.timezone))
    within = next(CronSim(rule.end, local)) < next(CronSim(rule.start, local))
    return Wish(rule.replicas if within else 1, within)


def wish(rule: Rule, load: Load, current: int, now: datetime) -> Wish:
    """What any rule but the one for requests asks for."""
    return by_time(rule, now) if isinstance(rule, Cron) else by_utilization(rule, load, current)
