"""From a configuration to what it costs: the same resources that `up` makes, priced before anything is there.

Needs no login and no cloud: names and regions come from the YAML file, prices from the price book.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from chatops import stack
from chatops.azure.sovereign import CLOUDS
from chatops.config.schema import PLACEHOLDER, Config, Service
from chatops.cost.change import charges
from chatops.cost.estimate import Bounds, Estimate, Scenario, estimate
from chatops.cost.meter import Charge, Counted, Meter
from chatops.cost.month import USUAL, Month
from chatops.cost.prices import Prices, old
from chatops.cost.report import CostReport, sheet
from chatops.cost.usage import SOME_PEOPLE, People, Said, Usage, assumptions, usage_of
from chatops.engine.resource import Report

LEVERS = 3
SMALLEST_SAVING = Decimal("0.01")
LOCAL = "this stack runs on the local cloud, where nothing is billed: the figures are what Azure would bill"


class _Unbuilt:
    """Stands for an image of which only the name matters."""

    tag = "unbuilt"
    below = ()

    def is_in(self, tag: str) -> bool:
        return False

    def build(self, azure: Any, registry_id: str, repository: str, report: Report) -> None:
        raise NotImplementedError("an estimate builds nothing")

    make = build


@dataclass(frozen=True)
class Occasion:
    """What an estimate is made with besides the configuration. `said` is false where the command outdoes the file."""

    prices: Prices
    people: People = SOME_PEOPLE
    month: Month = USUAL
    said: bool = True


@dataclass(frozen=True)
class Lever:
    """One change of the configuration, and what it alone takes off the expected month."""

    words: str
    saves: Decimal


def report_on(stacks: Sequence[tuple[str, Config]], occasion: Occasion, today: date) -> CostReport:
    """Return what is to be shown of one stack, or of several side by side, each with the name of its file."""
    (_, first), estimates = stacks[0], [priced(config, occasion) for _, config in stacks]
    sheets = [sheet(_title(*it), made, charged(it[1])) for it, made in zip(stacks, estimates, strict=True)]
    stale = old({price for made in estimates for price in made.prices}, today)
    notes = [*occasion.prices.notes, *([stale] if stale else []), *([LOCAL] if first.target == "local" else [])]
    said = said_by(first) if occasion.said else {}
    savings = tuple((lever.words, lever.saves) for lever in levers(first, occasion))
    return CostReport(tuple(sheets), savings, tuple(assumptions(occasion.people, said)), tuple(notes))


def _title(file: str, config: Config) -> str:
    return config.name if file in ("chatops", config.name) else f"{config.name} ({file})"


def priced(config: Config, occasion: Occasion) -> Estimate:
    """Return what a month of the stack costs."""
    usage = usage_by_address(config, occasion.people, occasion.said)
    return estimate(charged(config), occasion.prices, usage, config.location, occasion.month)


def charged(config: Config) -> list[Charge]:
    """Return what each resource of the stack is billed by."""
    return charges(stack.resources(config, offline_site(config)), config.location)


def offline_site(config: Config) -> stack.Site:
    """Return the place of a stack that nobody has signed in for: good for names, sizes and regions."""
    place = CLOUDS[config.azure.cloud if config.azure else "public"]
    return stack.Site(
        subscription=config.azure.subscription if config.azure else PLACEHOLDER,
        tenant=PLACEHOLDER,
        operator=PLACEHOLDER,
        operator_kind="User",
        vault_suffix=place.vault_suffix,
        registry_suffix=place.registry_suffix,
        postgres_domain=place.postgres_domain,
        images={service.image: _Unbuilt() for service in config.services.values()},
    )


STOPS = {Counted.IDLE, Counted.ACTIVE, Counted.REQUESTS}
"""What nobody counts while an app is stopped."""


def saved_by_pausing(config: Config, occasion: Occasion) -> Decimal | None:
    """Return what a day of the stack costs less, expected use given, while its apps and its server are stopped.

    None where the price of something that stops is not known.
    """
    usage = usage_by_address(config, occasion.people, occasion.said)
    running = charged(config)
    parts = [
        [replace(charge, meters=tuple(m for m in charge.meters if _stops(charge, m) is stops)) for charge in running]
        for stops in (True, False)
    ]
    stopping, whole, then = (
        estimate(each, occasion.prices, usage, config.location, occasion.month)
        for each in (parts[0], running, parts[1])
    )
    if stopping.at_least(Scenario.EXPECTED):
        return None
    now, left = whole.total(Scenario.EXPECTED), then.total(Scenario.EXPECTED)
    return min(now.low - left.low, now.high - left.high) / occasion.month.days


def _stops(charge: Charge, meter: Meter) -> bool:
    return meter.counted in STOPS or (charge.address == "postgres" and meter.counted is Counted.HOURS)


def said_by(config: Config) -> dict[str, Said]:
    """Return what the file says of each app's usage."""
    return {name: _said(service) for name, service in config.services.items()}


def usage_by_address(config: Config, people: People, said: bool = True) -> Mapping[str, Usage]:
    """Return each app's usage by its resource's address."""
    own = said_by(config) if said else {}
    return {f"app/{name}": usage_of(people, own.get(name, Said())) for name in config.services}


def _said(service: Service) -> Said:
    values = service.usage.model_dump()
    return Said(**{name: None if value is None else Decimal(str(value)) for name, value in values.items()})


def levers(config: Config, occasion: Occasion) -> list[Lever]:
    """Return the three changes that save most in an expected month, each reckoned alone, in full, with the grants."""
    now = priced(config, occasion).total(Scenario.EXPECTED)
    found = [Lever(words, _saved(now, other, occasion)) for words, other in _alternatives(config)]
    worthwhile = [lever for lever in found if lever.saves >= SMALLEST_SAVING]
    return sorted(worthwhile, key=lambda lever: -lever.saves)[:LEVERS]


def _saved(now: Bounds, other: Config, occasion: Occasion) -> Decimal:
    """The least that is saved, whichever order Azure uses the grants in."""
    then = priced(other, occasion).total(Scenario.EXPECTED)
    return min(now.low - then.low, now.high - then.high)


def _alternatives(config: Config) -> Iterator[tuple[str, Config]]:
    for name, service in config.services.items():
        if service.scale.min > 0:
            yield f"{name} at min 0 (sleeps when nobody asks; the next request waits)", _scaled(config, name, 0)
        if service.scale.min > 1:
            yield f"{name} at min 1", _scaled(config, name, 1)
        if service.cpu > 0.25:
            half = max(0.25, service.cpu / 2 // 0.25 * 0.25)
            size = {"cpu": half, "memory": f"{2 * half:g}Gi"}
            yield f"{name} at {half:g} vCPU and {size['memory']} (works more slowly)", _service(config, name, size)
    if config.registry.sku != "Basic":
        yield "registry.sku: Basic (10 GB of images)", _section(config, "registry", {"sku": "Basic"})
    if config.database.sku != "Standard_B1ms":
        yield "database.sku: Standard_B1ms", _section(config, "database", {"sku": "Standard_B1ms"})
    if config.database.storage_gb > 32:
        yield (
            "database.storage_gb: 32 (a new server: storage never shrinks)",
            _section(config, "database", {"storage_gb": 32}),
        )
    if config.logs.retention_days > 31:
        yield "logs.retention_days: 31", _section(config, "logs", {"retention_days": 31})


def _scaled(config: Config, name: str, minimum: int) -> Config:
    scale = config.services[name].scale.model_copy(update={"min": minimum})
    return _service(config, name, {"scale": scale})


def _service(config: Config, name: str, update: Mapping[str, Any]) -> Config:
    changed = config.services[name].model_copy(update=update)
    return config.model_copy(update={"services": {**config.services, name: changed}})


def _section(config: Config, name: str, update: Mapping[str, Any]) -> Config:
    sections = {"registry": config.registry, "database": config.database, "logs": config.logs}
    return config.model_copy(update={name: sections[name].model_copy(update=update)})
