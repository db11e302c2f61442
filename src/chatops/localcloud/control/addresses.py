"""The arithmetic of virtual networks: prefixes in CIDR notation, subnets inside their network and none over another."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network

from ..errors import ArmError
from ..store import Body, Record


def _prefix(text: object, owner: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(str(text))
    except ValueError:
        pass
    try:
        right = ip_network(str(text), strict=False)
    except ValueError:
        sentence = (
            f"Address prefix {text} of resource {owner} is not formatted correctly. It should follow CIDR notation, "
            "for example 10.0.0.0/24."
        )
        raise ArmError(400, "InvalidAddressPrefixFormat", sentence, details=[]) from None
    sentence = (
        f"The address prefix {text} in resource {owner} has an invalid CIDR notation. For the given prefix length, the "
        f"address prefix should be {right}."
    )
    raise ArmError(400, "InvalidCIDRNotation", sentence, details=[])


def _space(network: Record) -> list[IPv4Network | IPv6Network]:
    prefixes = network.properties.get("addressSpace", {}).get("addressPrefixes", [])
    if not prefixes:
        raise ArmError(
            400, "InvalidRequestFormat", f"Cannot parse the request: {network.id} has no address space.", details=[]
        )
    return [_prefix(prefix, network.id) for prefix in prefixes]


def ranges(subnet: Body, owner: str) -> list[IPv4Network | IPv6Network]:
    """The addresses of a subnet's body. Raises ArmError for what is no prefix."""
    properties = subnet.get("properties", {})
    prefixes = properties.get("addressPrefixes") or [properties.get("addressPrefix")]
    return [_prefix(prefix, f"{owner}/subnets/{subnet.get('name')}") for prefix in prefixes]


def check_subnets(network: Record, subnets: list[Body]) -> None:
    """Every subnet inside the network's space, and no two over the same addresses."""
    space = _space(network)
    taken: list[IPv4Network | IPv6Network] = []
    for subnet in subnets:
        for area in ranges(subnet, network.id):
            if not any(_inside(area, whole) for whole in space):
                text = f"Subnet '{subnet['name']}' is not valid in virtual network '{network.name}'."
                raise ArmError(400, "NetcfgInvalidSubnet", text, details=[])
            if any(area.overlaps(other) for other in taken):
                text = (
                    f"Subnet '{subnet['name']}' is not valid because its IP address range overlaps with that of an "
                    f"existing subnet in virtual network '{network.name}'."
                )
                raise ArmError(400, "NetcfgSubnetRangesOverlap", text, details=[])
            taken.append(area)


def _inside(area: IPv4Network | IPv6Network, whole: IPv4Network | IPv6Network) -> bool:
    if isinstance(area, IPv4Network) and isinstance(whole, IPv4Network):
        return area.subnet_of(whole)
    return isinstance(area, IPv6Network) and isinstance(whole, IPv6Network) and area.subnet_of(whole)
