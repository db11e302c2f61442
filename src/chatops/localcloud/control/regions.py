"""Azure's regions: the names that a location may have, with their display names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import ArmError, gateway

if TYPE_CHECKING:
    from .kind import Kind

GLOBAL = "global"

REGIONS: dict[str, str] = {
    "australiacentral": "Australia Central",
    "australiaeast": "Australia East",
    "australiasoutheast": "Australia Southeast",
    "austriaeast": "Austria East",
    "brazilsouth": "Brazil South",
    "canadacentral": "Canada Central",
    "canadaeast": "Canada East",
    "centralindia": "Central India",
    "centralus": "Central US",
    "chilecentral": "Chile Central",
    "eastasia": "East Asia",
    "eastus": "East US",
    "eastus2": "East US 2",
    "francecentral": "France Central",
    "germanywestcentral": "Germany West Central",
    "indonesiacentral": "Indonesia Central",
    "israelcentral": "Israel Central",
    "italynorth": "Italy North",
    "japaneast": "Japan East",
    "japanwest": "Japan West",
    "koreacentral": "Korea Central",
    "koreasouth": "Korea South",
    "malaysiawest": "Malaysia West",
    "mexicocentral": "Mexico Central",
    "newzealandnorth": "New Zealand North",
    "northcentralus": "North Central US",
    "northeurope": "North Europe",
    "norwayeast": "Norway East",
    "polandcentral": "Poland Central",
    "qatarcentral": "Qatar Central",
    "southafricanorth": "South Africa North",
    "southcentralus": "South Central US",
    "southindia": "South India",
    "southeastasia": "Southeast Asia",
    "spaincentral": "Spain Central",
    "swedencentral": "Sweden Central",
    "switzerlandnorth": "Switzerland North",
    "uaenorth": "UAE North",
    "uksouth": "UK South",
    "ukwest": "UK West",
    "westcentralus": "West Central US",
    "westeurope": "West Europe",
    "westus": "West US",
    "westus2": "West US 2",
    "westus3": "West US 3",
}


def flat(location: str) -> str:
    """`Germany West Central` and `germanywestcentral` are the same place."""
    return location.replace(" ", "").lower()


def display(location: str) -> str:
    """The spelling that Container Apps and PostgreSQL echo."""
    return REGIONS.get(flat(location), location)


def check_location(kind: Kind, location: object) -> None:
    """Refuse a missing location and one where `kind` is not offered."""
    if not isinstance(location, str) or not location:
        raise gateway(400, "LocationRequired", "The location property is required for this definition.")
    offered = [GLOBAL] if kind.location == GLOBAL else list(REGIONS)
    if flat(location) not in offered:
        raise refused(kind.type, location, offered)


def refused(type: str, location: str, offered: Sequence[str]) -> ArmError:
    """The gateway's refusal of a region, with those that remain."""
    return gateway(
        400,
        "LocationNotAvailableForResourceType",
        f"The provided location '{location}' is not available for resource type '{type}'. List of available regions "
        f"for the resource type is '{','.join(offered)}'.",
    )
