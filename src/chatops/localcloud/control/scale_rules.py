"""What Azure refuses in an app's scale section, and what the rest of it means to the runtime.

https://learn.microsoft.com/azure/container-apps/scale-app
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from ..errors import ArmError
from ..runtime.spec import Cron, Rule, Scale, Utilization
from ..store import Body

MOST_REPLICAS = 1000
KINDS = ("http", "tcp", "custom", "azureQueue")


def check_scale(scale: Body) -> None:
    """Raise ArmError for bounds or rules that cannot be; an empty list of rules is none."""
    if not scale.get("rules", True):
        del scale["rules"]
    _check_bounds(scale.get("minReplicas") or 0, scale.get("maxReplicas", 10))
    rules = scale.get("rules") or []
    for rule in rules:
        _check_rule(rule)
    names = [str(rule["name"]) for rule in rules]
    if len(set(names)) < len(names):
        _invalid("Scale rule names must be unique within a container app.")


def _check_bounds(low: object, high: object) -> None:
    if not (isinstance(low, int) and isinstance(high, int) and low >= 0 and 1 <= high <= MOST_REPLICAS):
        _invalid(f"minReplicas and maxReplicas must lie between 0 and {MOST_REPLICAS}.")
    if low > high:
        _invalid(f"The value of minReplicas ({low}) must not be greater than the value of maxReplicas ({high}).")


def _check_rule(rule: Body) -> None:
    if not rule.get("name"):
        _invalid("Every scale rule must have a name.")
    kinds = [kind for kind in KINDS if kind in rule]
    if len(kinds) != 1:
        _invalid(f"Scale rule '{rule['name']}' must be exactly one of {', '.join(KINDS)}.")
    if kinds[0] == "http":
        _positive(rule["name"], "concurrentRequests", _metadata(rule["http"]).get("concurrentRequests", "10"))
        return
    kind = rule["custom"].get("type") if kinds[0] == "custom" else kinds[0]
    if kind not in _CUSTOM:
        text = f"The local cloud does not evaluate the scale rule '{rule['name']}': of type '{kind}' it has no source."
        raise ArmError(400, "ContainerAppNotSupportedLocally", text)
    _CUSTOM[kind](rule["name"], kind, _metadata(rule["custom"]))


def scale_of(scale: Body) -> Scale:
    """What a checked section means. Without any rule Azure's default applies: HTTP at 10 requests a replica."""
    rules = scale.get("rules") or []
    http = [int(_metadata(rule["http"]).get("concurrentRequests", 10)) for rule in rules if "http" in rule]
    custom = [rule for rule in rules if "custom" in rule]
    return Scale(
        minimum=int(scale.get("minReplicas") or 0),
        maximum=int(scale.get("maxReplicas", 10)),
        concurrency=min(http) if http else None if rules else 10,
        cooldown=float(scale.get("cooldownPeriod", 300)),
        polling=float(scale.get("pollingInterval", 30)),
        rules=tuple(_custom(rule["name"], rule["custom"]) for rule in custom),
    )


def _custom(name: str, custom: Body) -> Rule:
    return _CUSTOM[custom["type"]](name, custom["type"], _metadata(custom))


def _utilization(name: str, kind: str, metadata: Mapping[str, str]) -> Rule:
    if metadata.get("type") != "Utilization":
        _invalid(f"Scale rule '{name}' must have the metadata 'type' with the value 'Utilization'.")
    percent = _positive(name, "value", metadata.get("value"))
    return Utilization("cpu" if kind == "cpu" else "memory", percent)


def _cron(name: str, kind: str, metadata: Mapping[str, str]) -> Rule:
    for member in ("timezone", "start", "end", "desiredReplicas"):
        if not metadata.get(member):
            _invalid(f"Scale rule '{name}' of type 'cron' must have the metadata '{member}'.")
    replicas = _positive(name, "desiredReplicas", metadata["desiredReplicas"])
    try:
        zone = ZoneInfo(metadata["timezone"])
        for member in ("start", "end"):
            next(CronSim(metadata[member], datetime.now(zone)))
    except (ZoneInfoNotFoundError, ValueError):
        _invalid(f"Scale rule '{name}': '{metadata['timezone']}' is no time zone.")
    except (CronSimError, StopIteration):
        _invalid(f"Scale rule '{name}': 'start' and 'end' must be cron expressions.")
    if metadata["start"] == metadata["end"]:
        _invalid(f"Scale rule '{name}': 'start' and 'end' must differ.")
    return Cron(metadata["timezone"], metadata["start"], metadata["end"], replicas)


_CUSTOM: Mapping[object, Callable[[str, str, Mapping[str, str]], Rule]] = {
    "cpu": _utilization,
    "memory": _utilization,
    "cron": _cron,
}


def _metadata(rule: Body) -> Mapping[str, str]:
    return {name: str(value) for name, value in (rule.get("metadata") or {}).items()}


def _positive(name: str, member: str, value: object) -> int:
    text = str(value)
    if not text.isdecimal() or int(text) < 1:
        _invalid(f"Scale rule '{name}': the metadata '{member}' must be a whole number of at least 1, not '{value}'.")
    return int(text)


def _invalid(message: str) -> NoReturn:
    raise ArmError(400, "ContainerAppInvalidScaleSpec", message)
