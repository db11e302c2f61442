"""The Azure CLI's configuration for the local cloud: a folder in which that cloud is registered and chosen.

`az` reads it through AZURE_CONFIG_DIR, so the operator's own ~/.azure is neither read nor changed. It lies in the
local cloud's world and goes with it; what `az login` stores there (the client secret among it) is private to its owner.
https://learn.microsoft.com/cli/azure/azure-cli-configuration
"""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import Any

from chatops.cli import places

NAME = "ChatopsLocal"
SETTINGS = {
    "cloud": {"name": NAME},
    "core": {"collect_telemetry": "no", "survey_message": "no"},
    "auto-upgrade": {"enable": "no"},
    "extension": {"use_dynamic_install": "no"},
}

# of what `cloud env` prints, the part that leads every program of a shell to the local cloud
REDIRECTING = ("HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


def folder() -> Path:
    """What AZURE_CONFIG_DIR is in a shell where `cloud env` was evaluated."""
    return places.world() / "azure-cli"


def configure(endpoint: dict[str, Any]) -> Path:
    """Write the configuration of a running local cloud and return its folder. A sign-in that is there stays."""
    place = folder()
    place.mkdir(mode=0o700, exist_ok=True)
    _write(place / "clouds.config", {NAME: _cloud(endpoint)})
    if not (place / "config").exists():
        _write(place / "config", SETTINGS)
    return place


def _cloud(endpoint: dict[str, Any]) -> dict[str, str]:
    """What `az cloud register` would write, with every endpoint on this machine."""
    arm = endpoint["arm"]
    endpoints = {
        "active_directory": endpoint["active_directory"],
        "active_directory_resource_id": arm,
        "active_directory_graph_resource_id": arm,
        "microsoft_graph_resource_id": arm,
        "management": arm,
        "portal": arm,
        "resource_manager": arm,
    }
    suffixes = {
        "acr_login_server_endpoint": ".azurecr.io",
        "keyvault_dns": ".vault.azure.net",
        "postgresql_server_endpoint": ".postgres.database.azure.com",
    }
    return {
        **{f"endpoint_{name}": value for name, value in endpoints.items()},
        **{f"suffix_{name}": value for name, value in suffixes.items()},
        "profile": "latest",
    }


def _write(path: Path, sections: dict[str, dict[str, str]]) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_dict(sections)
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8") as file:
        parser.write(file)
