"""The `Cloud` value: the one thing that differs between Azure and the local cloud."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatops.azure.sovereign import CLOUDS, PUBLIC, Sovereign
from chatops.errors import AuthenticationError, NotReachable

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

ORDER = "AZURE_CLIENT_ID with its secret or certificate, workload identity, managed identity, az login, azd auth login"
"""Where a credential is looked for, in this order."""

PRICES = "https://prices.azure.com/api/retail/prices"
"""The public retail price list. It needs no login."""


@dataclass(frozen=True)
class Cloud:
    """Where Azure's APIs answer and how to sign in. `poll_seconds` is used where the service names no interval.

    `dns` is the one name server (host:port) that holds every name there is on the local cloud; None: ask the world's.
    """

    name: str
    arm: str
    subscription: str
    tenant: str | None = None
    poll_seconds: float = 5.0
    ca_file: str | None = None
    proxy: str | None = None
    ingress: str | None = None
    registry: str | None = None
    runs_processes: bool = False
    dns: str | None = None
    ingress_tls: str | None = None
    client_id: str | None = None
    client_secret_file: str | None = None
    prices: str = PRICES
    place: Sovereign = PUBLIC

    @property
    def scope(self) -> str:
        """The OAuth scope of the management API."""
        return f"{self.place.arm}/.default"

    @property
    def vault_suffix(self) -> str:
        return self.place.vault_suffix

    @property
    def registry_suffix(self) -> str:
        return self.place.registry_suffix

    @property
    def sign_in(self) -> str:
        """How a person signs in to this cloud with `az`."""
        tenant = f" --tenant {self.tenant}" if self.tenant else ""
        first = "" if self.place == PUBLIC else f"az cloud set --name {self.place.az} && "
        return f"{first}az login{tenant}"

    @cached_property
    def credential(self) -> TokenCredential:
        """The official credential chain, or the local cloud's own service principal."""
        if self.client_id and self.client_secret_file:
            return self._service_principal(self.client_id, Path(self.client_secret_file))
        from azure.identity import DefaultAzureCredential

        return DefaultAzureCredential(
            authority=self.place.authority,
            additionally_allowed_tenants=["*"],
            exclude_shared_token_cache_credential=True,
            exclude_visual_studio_code_credential=True,
            exclude_powershell_credential=True,
        )

    def _service_principal(self, client_id: str, secret_file: Path) -> TokenCredential:
        from azure.identity import ClientSecretCredential

        return ClientSecretCredential(
            "adfs",
            client_id,
            secret_file.read_text().strip(),
            authority=self.arm,
            disable_instance_discovery=True,
            connection_verify=self.ca_file,
        )

    @cached_property
    def transport(self) -> dict[str, Any]:
        """Keyword arguments that every SDK client takes: which CA to trust and which proxy to go through."""
        options: dict[str, Any] = {}
        if self.ca_file:
            options["connection_verify"] = self.ca_file
        if self.proxy:
            options["proxies"] = {"https": self.proxy}
        return options

    def registry_address(self, login_server: str) -> str:
        """Return where a Docker engine pushes to: the registry itself, or a place on loopback that stands in for it."""
        return f"{self.registry}/{login_server.partition('.')[0]}" if self.registry else login_server

    def reach(self, fqdn: str) -> tuple[str, dict[str, str]]:
        """Return the origin where a name of this cloud answers, and the headers that say which name is meant."""
        return (self.ingress, {"Host": fqdn}) if self.ingress else (f"https://{fqdn}", {})

    def page_url(self, fqdn: str) -> str:
        """Return the URL at which people reach an external app: its own name, or the ingress that stands in for it."""
        return self.ingress or f"https://{fqdn}"

    def host_url(self, host: str) -> str:
        """Return the URL of a custom domain: at the port of its own that the local cloud's ingress has for TLS."""
        port = self.ingress_tls.rpartition(":")[2] if self.ingress_tls else ""
        return f"https://{host}:{port}" if port else f"https://{host}"

    def try_out(self, host: str) -> str | None:
        """Return a command that opens a custom domain whose name only the local cloud knows; None elsewhere."""
        if self.ingress_tls is None:
            return None
        address, _, port = self.ingress_tls.removeprefix("https://").rpartition(":")
        return f"curl --cacert {self.ca_file} --resolve {host}:{port}:{address} {self.host_url(host)}"


def real(subscription: str, tenant: str | None, cloud: str = "public") -> Cloud:
    """Return Azure itself; `cloud` is a key of CLOUDS."""
    place = CLOUDS[cloud]
    return Cloud("azure", place.arm, subscription, tenant, place=place)


def local(endpoint_file: Path) -> Cloud:
    """Return the local cloud whose daemon wrote `endpoint_file`. Raises NotReachable when it did not."""
    try:
        found = json.loads(endpoint_file.read_text())
    except FileNotFoundError as error:
        raise NotReachable("reaching the local cloud", "it is not running", hint="chatops cloud start") from error
    return Cloud(
        "local",
        found["arm"],
        found["subscription"],
        found["tenant"],
        poll_seconds=0.2,
        ca_file=found["ca_file"],
        proxy=found["proxy"],
        ingress=found["ingress"],
        registry=found.get("registry"),
        runs_processes=found.get("runtime", "process") == "process",
        dns=found.get("dns"),
        ingress_tls=found.get("ingress_tls"),
        client_id=found["client_id"],
        client_secret_file=found["client_secret_file"],
        prices=found["prices"],
    )


@dataclass(frozen=True)
class Principal:
    """Who is signed in: the directory's object id, whether it is a `User` or a `ServicePrincipal`, and its tenant."""

    object_id: str
    kind: str
    tenant: str


def _tried(message: str) -> str:
    """Return the first sentence of a refusal, and of a whole chain what each credential said for itself."""
    first, *others = (line.strip() for line in message.splitlines() if line.strip())
    said = [line for line in others if "Credential:" in line]
    return " | ".join((first, *said))


def signed_in(cloud: Cloud) -> Principal:
    """Return who the cloud's credential stands for, by the claims `oid`, `idtyp` and `tid` of its access token."""
    import base64
    import binascii

    from azure.core.exceptions import ClientAuthenticationError

    try:
        payload = cloud.credential.get_token(cloud.scope).token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ClientAuthenticationError as error:
        hint = f"{cloud.sign_in}; looked for, in this order: {ORDER}"
        raise AuthenticationError("signing in to Azure", _tried(str(error.message)), hint=hint) from error
    except (IndexError, binascii.Error, ValueError) as error:
        raise AuthenticationError("signing in to Azure", "the token names nobody", hint="az login") from error
    return Principal(claims["oid"], "ServicePrincipal" if claims.get("idtyp") == "app" else "User", claims["tid"])
