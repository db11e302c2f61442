"""Configurations of all shapes that the schema lets through, as the YAML file would say them."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from chatops.config.schema import Config
from chatops.config.schema.services import with_defaults
from chatops.config.schema.stores import BURSTABLE, STORAGE_GB

NAMES = st.from_regex(r"[a-z](-?[a-z0-9]){1,9}", fullmatch=True)
LARGE = tuple(f"Standard_{family}{size}{kind}_v5" for family in "DE" for size in (2, 8, 64) for kind in ("s", "ds"))
WORDS = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=20)
REGIONS = ("westeurope", "germanywestcentral", "East US 2", "Sweden Central")


@st.composite
def networks(draw: st.DrawFn) -> dict[str, str]:
    prefix = draw(st.integers(16, 26))
    base = draw(st.sampled_from(("10.0.0.0", "10.128.0.0", "192.168.0.0", "172.16.0.0")))
    space = IPv4Network(f"{base}/{prefix}")
    apps, database = space.subnets()
    smaller = next(iter(database.subnets(new_prefix=max(database.prefixlen, draw(st.integers(prefix + 1, 28))))))
    return {"address_space": str(space), "apps_subnet": str(apps), "database_subnet": str(smaller)}


@st.composite
def services(draw: st.DrawFn) -> dict[str, Any]:
    quarter = draw(st.integers(1, 16))
    least = draw(st.integers(0, 20))
    bounds = {"min": least, "max": draw(st.integers(max(least, 1), 1000)), "concurrency": draw(st.integers(1, 1000))}
    times = {"cooldown": draw(st.integers(1, 86400)), "polling": draw(st.integers(1, 3600))}
    return {
        "image": draw(st.sampled_from(("chat-ui", "db-api", "lm-api"))),
        "external": draw(st.booleans()),
        "cpu": quarter / 4,
        "memory": f"{quarter / 2:g}Gi",
        "port": draw(st.integers(1, 65535)),
        "scale": {**bounds, **times},
        "env": draw(st.dictionaries(st.from_regex(r"[A-Z][A-Z0-9_]{0,12}", fullmatch=True), WORDS, max_size=3)),
        "calls": draw(st.lists(st.sampled_from(("ui", "db-api", "lm-api")), max_size=3, unique=True)),
    }


@st.composite
def documents(draw: st.DrawFn, name: str | None = None) -> dict[str, Any]:
    """The parsed YAML of one stack."""
    tags = st.dictionaries(st.from_regex(r"[b-l][a-z -]{0,10}[a-z]", fullmatch=True), WORDS, max_size=4)
    return {
        "name": name or draw(NAMES),
        "location": draw(st.sampled_from(REGIONS)),
        "tags": draw(tags),
        "network": draw(networks()),
        "vault": {"purge_protection": draw(st.booleans()), "soft_delete_days": draw(st.integers(7, 90))},
        "database": {
            "name": draw(st.from_regex(r"[a-z_][a-z0-9_]{0,12}", fullmatch=True)),
            "sku": draw(st.sampled_from(BURSTABLE + LARGE)),
            "storage_gb": draw(st.sampled_from(STORAGE_GB)),
            "version": draw(st.sampled_from((13, 14, 15, 16, 17, 18))),
            "backup_days": draw(st.integers(7, 35)),
        },
        "registry": {"sku": draw(st.sampled_from(("Basic", "Standard", "Premium")))},
        "logs": {
            "retention_days": draw(st.integers(30, 730)),
            "daily_cap_gb": draw(st.floats(0.023, 4000, allow_nan=False)),
        },
        "model": {"name": draw(st.from_regex(r"[a-z][a-z0-9._-]{0,10}", fullmatch=True))},
        "services": draw(st.dictionaries(NAMES | st.sampled_from(("ui", "db-api", "lm-api")), services(), max_size=3)),
    }


def config_of(document: dict[str, Any]) -> Config:
    """Check a parsed YAML as `chatops` does."""
    known = tuple(with_defaults(document.get("services") or {}))
    return Config.model_validate(document, context={"folder": Path.cwd(), "services": known})


FIXED = ("name", "location", "vault")
"""What cannot change in a stack that holds data."""


@st.composite
def changes(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A stack, and what its file may be changed to."""
    before, after = draw(documents()), draw(documents())
    after = {**after, **{key: before[key] for key in FIXED}}
    kept = {key: before["database"][key] for key in ("name", "version")}
    return before, {**after, "database": {**after["database"], **kept}}
