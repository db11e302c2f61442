"""The virtual network: one address space, one subnet for the apps and one for the database.

Rules: https://learn.microsoft.com/azure/container-apps/custom-virtual-networks (the apps' subnet is /27 or larger, some
ranges are reserved) and https://learn.microsoft.com/azure/postgresql/flexible-server/concepts-networking-private (/28).
"""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from chatops.config.schema.rules import Otherwise, Says, Section, refuse

RESERVED = (
    *(IPv4Network(block) for block in ("169.254.0.0/16", "172.30.0.0/16", "172.31.0.0/16", "192.0.2.0/24")),
    *(IPv4Network(f"100.100.{block}") for block in ("0.0/17", "128.0/19", "160.0/19", "192.0/19")),
)
"""What Container Apps keeps for itself in environments with workload profiles."""

LARGEST, SMALLEST = 8, 29
"""Prefix lengths that Azure takes for a virtual network."""


def _cidr(value: str) -> str:
    expected = "an IPv4 range like 10.0.0.0/24"
    try:
        network = IPv4Network(value, strict=False)
    except ValueError:
        raise refuse(f'"{value}" is not an IPv4 range', expected) from None
    if "/" not in value:
        raise refuse(f'"{value}" has no prefix length', expected, f"{value}/24?")
    if str(network) != value:
        raise refuse(f"{value} has bits set beyond its prefix", expected, f"the range that holds it is {network}")
    if not LARGEST <= network.prefixlen <= SMALLEST:
        raise refuse(f"{value} is a /{network.prefixlen}", f"a range from /{LARGEST} to /{SMALLEST}")
    return value


Cidr = Annotated[str, AfterValidator(_cidr), Says("an IPv4 range like 10.0.0.0/24")]


def _check_subnet(value: str, info: ValidationInfo, smallest: int, owner: str) -> None:
    subnet = IPv4Network(value)
    space = info.data.get("address_space")
    if space and not subnet.subnet_of(IPv4Network(space)):
        raise refuse(f"{value} lies outside address_space ({space})", f"a range inside {space}")
    if subnet.prefixlen > smallest:
        raise refuse(
            f"{value} is too small for {owner}",
            f"a /{smallest} or larger",
            otherwise=Otherwise(
                "address_space", f"its half, {value}, is too small for {owner}", f"a /{smallest - 1} or larger"
            ),
        )
    if taken := next((block for block in RESERVED if subnet.overlaps(block)), None):
        raise refuse(
            f"{value} overlaps with {taken}, which Azure Container Apps keeps for itself",
            free := "a range outside " + ", ".join(str(block) for block in RESERVED),
            otherwise=Otherwise(
                "address_space", f"overlaps with {taken}, which Azure Container Apps keeps for itself", free
            ),
        )


class Network(Section):
    """The private network that the apps and the database share."""

    address_space: Cidr = Field(default="10.0.0.0/24", description="Addresses of the virtual network.")
    apps_subnet: Cidr = Field(
        default="10.0.0.0/25",
        description="Subnet of the container apps, /27 or larger. When left out: the first half of address_space.",
    )
    database_subnet: Cidr = Field(
        default="10.0.0.128/25",
        description="Subnet of the database, /28 or larger. When left out: the second half of address_space.",
    )

    @model_validator(mode="before")
    @classmethod
    def _halves(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        try:
            first, second = IPv4Network(data.get("address_space")).subnets()
        except ValueError:
            return data
        return {"apps_subnet": str(first), "database_subnet": str(second), **data}

    @field_validator("apps_subnet")
    @classmethod
    def _apps_fit(cls, value: str, info: ValidationInfo) -> str:
        _check_subnet(value, info, 27, "a Container Apps environment")
        return value

    @field_validator("database_subnet")
    @classmethod
    def _database_fits(cls, value: str, info: ValidationInfo) -> str:
        _check_subnet(value, info, 28, "a PostgreSQL flexible server")
        apps = info.data.get("apps_subnet")
        if apps and IPv4Network(value).overlaps(IPv4Network(apps)):
            raise refuse(
                f"{value} overlaps with apps_subnet ({apps})",
                "two ranges that share no address",
                otherwise=Otherwise(
                    "apps_subnet",
                    f"{apps} overlaps with database_subnet ({value} when left out)",
                    f"both, or a range outside {value}",
                ),
            )
        return value
