"""Content networks and proxies that stand in front of sites: behind one, Azure does not see a host lead to its app."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv4Network

SUFFIXES = {
    "azurefd.net": "Azure Front Door",
    "azureedge.net": "Azure CDN",
    "trafficmanager.net": "Azure Traffic Manager",
    "cdn.cloudflare.net": "Cloudflare",
    "cloudfront.net": "CloudFront",
    "fastly.net": "Fastly",
    "akamaiedge.net": "Akamai",
    "edgekey.net": "Akamai",
    "edgesuite.net": "Akamai",
    "b-cdn.net": "bunny.net",
}
"""Ends of the names that they hand out."""

CLOUDFLARE = tuple(
    IPv4Network(block)
    for block in (
        *("173.245.48.0/20", "103.21.244.0/22", "103.22.200.0/22", "103.31.4.0/22", "141.101.64.0/18"),
        *("108.162.192.0/18", "190.93.240.0/20", "188.114.96.0/20", "197.234.240.0/22", "198.41.128.0/17"),
        *("162.158.0.0/15", "104.16.0.0/13", "104.24.0.0/14", "172.64.0.0/13", "131.0.72.0/22"),
    )
)
"""https://www.cloudflare.com/ips-v4"""


def of_name(name: str) -> str | None:
    """Return whose proxy answers under `name`, None for all others."""
    return next((who for suffix, who in SUFFIXES.items() if name.endswith(f".{suffix}")), None)


def of_address(address: str) -> str | None:
    """Return whose proxy has the address, None for all others."""
    try:
        found = IPv4Address(address)
    except AddressValueError:
        return None
    return "Cloudflare" if any(found in block for block in CLOUDFLARE) else None
