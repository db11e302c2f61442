"""Azure's clouds: the public one, those of the US Government and of China, with endpoints and suffixes of their own.

https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure
https://learn.microsoft.com/azure/china/resources-developer-guide
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sovereign:
    """Where one of Azure's clouds answers. `az` is its name for `az cloud set`; `authority` is where people sign in."""

    az: str
    arm: str
    authority: str
    vault_suffix: str
    registry_suffix: str
    postgres_domain: str
    registry_audience: str


CLOUDS: dict[str, Sovereign] = {
    "public": Sovereign(
        "AzureCloud",
        "https://management.azure.com",
        "https://login.microsoftonline.com",
        ".vault.azure.net",
        ".azurecr.io",
        "postgres.database.azure.com",
        "https://containerregistry.azure.net",
    ),
    "usgov": Sovereign(
        "AzureUSGovernment",
        "https://management.usgovcloudapi.net",
        "https://login.microsoftonline.us",
        ".vault.usgovcloudapi.net",
        ".azurecr.us",
        "postgres.database.usgovcloudapi.net",
        "https://management.usgovcloudapi.net",
    ),
    "china": Sovereign(
        "AzureChinaCloud",
        "https://management.chinacloudapi.cn",
        "https://login.chinacloudapi.cn",
        ".vault.azure.cn",
        ".azurecr.cn",
        "postgres.database.chinacloudapi.cn",
        "https://management.chinacloudapi.cn",
    ),
}
PUBLIC = CLOUDS["public"]
