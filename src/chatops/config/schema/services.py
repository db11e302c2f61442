"""The services: container apps with an image, a size and a scale rule.

Sizes are those of the Consumption profile: https://learn.microsoft.com/azure/container-apps/containers#allocations
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from chatops.config import bundled
from chatops.config.schema.rules import NumberAsText, Otherwise, Says, Section, matching, refuse

ServiceName = Annotated[
    str,
    matching(r"[a-z](-?[a-z0-9])+", at_most=32),
    Says("2 to 32 lower-case letters, digits and single hyphens, a letter first, no hyphen last"),
]
VariableName = Annotated[
    str, matching(r"[A-Za-z._-][A-Za-z0-9._-]*"), Says("letters, digits, '_', '-' and '.', no digit first")
]
Replicas = Annotated[int, Field(ge=0, le=1000)]

CONSUMPTION = "Consumption"
"""The workload profile that every environment has, billed by what is used."""

PAIRS = tuple((step / 4, step / 2) for step in range(1, 17))
"""vCPU and GiB of memory that the Consumption profile takes."""

DEFAULTS: dict[str, dict[str, Any]] = {
    "ui": {"image": "chat-ui", "external": True, "calls": ["db-api", "lm-api"]},
    "db-api": {"image": "db-api"},
    "lm-api": {"image": "lm-api", "cpu": 2.0, "memory": "4Gi", "scale": {"concurrency": 2}},
}
"""The three services of the stack, where they differ from a service's own defaults."""


def with_defaults(services: dict[Any, Any]) -> dict[Any, Any]:
    """`services` of the YAML laid over the three of the stack, field by field (`scale` too), in a fixed order."""
    return {name: _over(DEFAULTS.get(name, {}), services.get(name)) for name in {**DEFAULTS, **services}}


def _over(default: dict[str, Any], given: Any) -> Any:
    if given is None:
        return default
    if not isinstance(given, dict):
        return given
    merged = {**default, **given}
    scale = given.get("scale")
    if "scale" in default and (scale is None or isinstance(scale, dict)):
        merged["scale"] = {**default["scale"], **(scale or {})}
    return merged


def _found_image(value: str, info: ValidationInfo) -> str:
    """A bundled image's name as it stands; a folder's path made absolute, taken from the YAML file's own folder."""
    if value in bundled.IMAGES:
        return value
    expected = f"one of {', '.join(bundled.IMAGES)}, or the path of a folder with a Dockerfile, seen from this file"
    if "/" not in value:
        close = get_close_matches(value, bundled.IMAGES, n=1)
        hint = f'did you mean "{close[0]}"?' if close else f"a folder beside this file is ./{value}"
        raise refuse(f'there is no bundled image "{value}"', expected, hint)
    folder = (Path((info.context or {}).get("folder", ".")) / value).resolve()
    try:
        found = (folder / "Dockerfile").is_file()
    except (OSError, ValueError):
        found = False
    if not found:
        raise refuse(f"there is no Dockerfile in {value}", expected)
    return str(folder)


def _known_service(value: str, info: ValidationInfo) -> str:
    known = (info.context or {}).get("services", (value,))
    if value not in known:
        close = get_close_matches(value, known, n=1)
        hint = f'did you mean "{close[0]}"?' if close else None
        raise refuse(f'there is no service "{value}"', f"one of: {', '.join(known)}", hint)
    return value


Called = Annotated[ServiceName, AfterValidator(_known_service)]


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise refuse(f'there is no time zone "{value}"', "a name like Europe/Berlin, or UTC") from None
    return value


Cron = Annotated[str, matching(r"\S+( \S+){4}"), Says("five fields of cron: minute, hour, day, month, day of the week")]
Percent = Annotated[int, Field(ge=1, le=1000)]


class Window(Section):
    """A time, again and again, in which so many replicas run whatever the load is."""

    start: Cron = Field(description="When it begins: `0 8 * * MON-FRI`.")
    end: Cron = Field(description="When it ends: `0 18 * * MON-FRI`.")
    timezone: Annotated[str, AfterValidator(_known_zone), Says("a time zone like Europe/Berlin")] = Field(
        default="UTC", description="Where the clock hangs that start and end go by."
    )
    replicas: Annotated[int, Field(ge=1, le=1000)] = Field(description="Replicas at least, within max.")


class Scale(Section):
    """Replica bounds, and the rules that move between them: the one that wants most replicas wins."""

    min: Replicas = Field(
        default=1, description="Replicas that always run. 0 lets the service sleep; the next request waits."
    )
    max: Annotated[int, Field(ge=1, le=1000)] = Field(default=5, description="Replicas at most.")
    concurrency: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=10, description="Requests at a time that one replica takes before another is started."
    )
    cooldown: Annotated[int, Field(ge=1, le=86400)] = Field(
        default=300, description="Seconds of calm before the last replica goes, where min is 0; others take 300."
    )
    polling: Annotated[int, Field(ge=1, le=3600)] = Field(
        default=30, description="Seconds between two looks at the load."
    )
    cpu_percent: Percent | None = Field(
        default=None, description="Use of a replica's vCPU that is aimed at. Null: it does not count."
    )
    memory_percent: Percent | None = Field(
        default=None, description="Use of a replica's memory that is aimed at. Null: it does not count."
    )
    schedule: dict[ServiceName, Window] = Field(
        default={}, description="Times with more replicas, each under a name of its own."
    )

    @field_validator("max")
    @classmethod
    def _not_below_min(cls, value: int, info: ValidationInfo) -> int:
        least = info.data.get("min", 0)
        if value < least:
            raise refuse(
                f"{value} is less than min ({least})",
                f"an integer from {least} to 1000",
                otherwise=Otherwise(
                    "min", f"{least} is more than max ({value} when left out)", f"max: {least} beside it"
                ),
            )
        return value


class Usage(Section):
    """How much one app is used, for `chatops cost`. What is null follows from people and hours."""

    hours: Annotated[float, Field(ge=0, le=24)] | None = Field(
        default=None, description="Hours a day that it works. Null: as many as `--hours` says, else 8."
    )
    average_replicas: Annotated[float, Field(ge=0, le=1000)] | None = Field(
        default=None, description="Replicas that work meanwhile, on average. Null: as many as its scale rule wants."
    )
    requests: Annotated[float, Field(ge=0, le=1e9)] | None = Field(
        default=None, description="Requests a day from outside. Null: from `--users` and `--hours`."
    )
    logs_gb: Annotated[float, Field(ge=0, le=1e6)] | None = Field(
        default=None, description="GB of logs in a month of 30 days. Null: from its requests."
    )


class Service(Section):
    """One container app."""

    image: Annotated[
        str, AfterValidator(_found_image), Says("a bundled image's name, or the path of a folder with a Dockerfile")
    ] = Field(description="What runs: a bundled image, or a folder with a Dockerfile, relative to this file.")
    external: bool = Field(
        default=False, description="Reachable from outside; otherwise only by the stack's other services."
    )
    profile: Annotated[
        str, matching(r"[A-Za-z][A-Za-z0-9-]{0,14}"), Says("the name of a workload profile of the environment")
    ] = Field(
        default=CONSUMPTION, description="Workload profile that it runs on. All but Consumption are added with az."
    )
    cpu: Annotated[float, Field(ge=0.25, le=4, multiple_of=0.25)] = Field(
        default=0.5, description="vCPU of one replica."
    )
    memory: Annotated[str, matching(r"\d{1,4}(\.\d{1,4})?Gi"), Says("a size like 1Gi or 1.5Gi")] = Field(
        default="1Gi", description="Memory of one replica. On Consumption Azure takes exactly 2Gi for each vCPU."
    )
    port: Annotated[int, Field(ge=1, le=65535)] = Field(
        default=8080, description="Port that the container listens on. On Azure only root may take one below 1024."
    )
    scale: Scale = Field(default=Scale(), description="How many replicas run.")
    env: dict[VariableName, Annotated[str, NumberAsText, Says("text")]] = Field(
        default={}, description="Environment variables on top of those that the stack sets. No place for secrets."
    )
    usage: Usage = Field(default=Usage(), description="How much it is used, for `chatops cost`.")
    smoke: Annotated[str, matching(r"\S[^\n]{0,999}"), Says("a command of one line")] | None = Field(
        default=None,
        description="Command that proves a new replica from inside, before it gets traffic: it prints one line of JSON "
        'like {"ok": true, "did": "..."} or {"ok": false, "why": "..."}. Bundled images have one of their own.',
    )
    ready_within: Annotated[int, Field(ge=1, le=3600)] = Field(
        default=300, description="Seconds that a new revision may take to become ready; then it is given up."
    )
    calls: Annotated[tuple[Called, ...], Field(strict=False), Says("a list of names of services")] = Field(
        default=(), description="Other services that this one calls, as http://<name>."
    )

    @field_validator("memory")
    @classmethod
    def _goes_with_cpu(cls, value: str, info: ValidationInfo) -> str:
        gib = float(value.removesuffix("Gi"))
        cpu = info.data.get("cpu")
        if info.data.get("profile", CONSUMPTION) == CONSUMPTION and cpu is not None and gib != 2 * cpu:
            right = f"{2 * cpu:g}Gi"
            raise refuse(
                f"{value} does not go with {cpu:g} vCPU",
                f"{right} (Azure takes 0.25 vCPU with 0.5Gi, and so on in steps of 0.25 up to 4 vCPU with 8Gi)",
                f"write memory: {right}" + (f", or cpu: {gib / 2:g}" if (gib / 2, gib) in PAIRS else ""),
                otherwise=Otherwise(
                    "cpu", f"{cpu:g} vCPU does not go with {value} of memory", f"memory: {right} beside it"
                ),
            )
        return f"{gib:g}Gi"

    @property
    def memory_gib(self) -> float:
        """Memory of one replica in GiB."""
        return float(self.memory.removesuffix("Gi"))
