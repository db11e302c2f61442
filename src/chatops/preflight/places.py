"""Where Azure's regions lie, so that the nearest one that passes can be named. Degrees, rounded; from Microsoft's map.

https://learn.microsoft.com/azure/reliability/regions-list
"""

from __future__ import annotations

from collections.abc import Iterable
from math import acos, cos, radians, sin

PLACES: dict[str, tuple[float, float]] = {
    "australiacentral": (-35, 149),
    "australiaeast": (-34, 151),
    "australiasoutheast": (-38, 145),
    "austriaeast": (48, 16),
    "brazilsouth": (-24, -47),
    "canadacentral": (44, -79),
    "canadaeast": (47, -71),
    "centralindia": (19, 74),
    "centralus": (42, -93),
    "chilecentral": (-33, -71),
    "eastasia": (22, 114),
    "eastus": (37, -79),
    "eastus2": (36, -78),
    "francecentral": (46, 2),
    "germanywestcentral": (50, 9),
    "indonesiacentral": (-6, 107),
    "israelcentral": (31, 35),
    "italynorth": (45, 9),
    "japaneast": (36, 140),
    "japanwest": (35, 136),
    "koreacentral": (38, 127),
    "koreasouth": (35, 129),
    "malaysiawest": (3, 101),
    "mexicocentral": (21, -100),
    "newzealandnorth": (-37, 175),
    "northcentralus": (42, -88),
    "northeurope": (53, -6),
    "norwayeast": (60, 11),
    "polandcentral": (52, 21),
    "qatarcentral": (25, 51),
    "southafricanorth": (-26, 28),
    "southcentralus": (29, -98),
    "southeastasia": (1, 104),
    "southindia": (13, 80),
    "spaincentral": (40, -4),
    "swedencentral": (61, 17),
    "switzerlandnorth": (47, 9),
    "uaenorth": (25, 55),
    "uksouth": (51, -1),
    "ukwest": (53, -3),
    "usgovarizona": (33, -112),
    "usgovtexas": (29, -98),
    "usgovvirginia": (37, -78),
    "chinaeast2": (31, 121),
    "chinaeast3": (31, 121),
    "chinanorth2": (40, 116),
    "chinanorth3": (40, 116),
    "westcentralus": (41, -105),
    "westeurope": (52, 5),
    "westus": (38, -122),
    "westus2": (47, -120),
    "westus3": (33, -112),
}


def flat(location: str) -> str:
    """`Germany West Central` is germanywestcentral."""
    return location.replace(" ", "").lower()


def nearest(location: str, offered: Iterable[str], count: int = 3) -> list[str]:
    """The `count` regions of `offered` nearest to `location`; none where its place is not known."""
    here = PLACES.get(location)
    if here is None:
        return []
    known = {name for name in offered if name in PLACES and name != location}
    return sorted(known, key=lambda name: (_distance(here, PLACES[name]), name))[:count]


def _distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    (a, x), (b, y) = ((radians(place[0]), radians(place[1])) for place in (one, other))
    return acos(min(1.0, sin(a) * sin(b) + cos(a) * cos(b) * cos(x - y)))
