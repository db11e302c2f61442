"""The poster: a configuration becomes the resources of a chat stack. Read top to bottom, it is the architecture.

internet -> ui -> db-api -> PostgreSQL        in one virtual network, images from the stack's own registry,
             \\--> lm-api (llama.cpp)           secrets from the stack's own vault through a managed identity
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatops.config.schema import Config, Service
from chatops.engine.resource import Known, Resource
from chatops.naming import Names
from chatops.resources import (
    ContainerApp,
    ContainerRegistry,
    Image,
    KeyVault,
    LogWorkspace,
    ManagedEnvironment,
    ManagedIdentity,
    PostgresDatabase,
    PostgresServer,
    PrivateDnsLink,
    PrivateDnsZone,
    ResourceGroup,
    RoleAssignment,
    VaultSecret,
    VirtualNetwork,
)
from chatops.resources.app import Container, Ingress, Probes, Scale
from chatops.resources.image import Source
from chatops.resources.network import Subnet
from chatops.resources.postgres import AdminSecrets
from chatops.resources.role import assignment_id

POSTGRES_DOMAIN = "postgres.database.azure.com"
SECRETS = {
    "postgres-username": lambda: "chatops",
    "postgres-password": lambda: f"Pg1-{secrets.token_urlsafe(32)}",
    "session-key": lambda: secrets.token_urlsafe(48),
}
SECRETS_OF = {
    "chat-ui": {"SESSION_KEY": "session-key"},
    "db-api": {"POSTGRES_USERNAME": "postgres-username", "POSTGRES_PASSWORD": "postgres-password"},
}
# a model of some GB takes minutes to fetch and load; until then lm-api says 503
PROBES_OF = {"lm-api": Probes("/health", "/health", every=60, failures=10)}


@dataclass(frozen=True)
class Site:
    """What a stack takes from where it is built: who builds it, the cloud's DNS suffixes, what images are made of."""

    subscription: str
    tenant: str
    operator: str
    operator_kind: str
    vault_suffix: str
    registry_suffix: str
    images: Mapping[str, Source]


def names_of(config: Config, subscription: str) -> Names:
    """Return the names of the stack's resources."""
    group = config.azure.resource_group if config.azure else None
    return Names(config.name, subscription, group or f"{config.name}-rg")


def resources(config: Config, site: Site) -> list[Resource[Any]]:
    """Return everything the stack is made of."""
    names = names_of(config, site.subscription)
    return [*_ground(config, names), *_secrets(config, names, site), *_data(config, names), *_apps(config, names, site)]


def _ground(config: Config, names: Names) -> Iterator[Resource[Any]]:
    where: dict[str, Any] = {"location": config.location, "tags": {**config.tags, **names.tags}}
    network, logs = config.network, config.logs
    yield ResourceGroup(address="group", id=names.group_id, **where)
    yield VirtualNetwork(
        address="network",
        id=names.id(VirtualNetwork.type, names.plain("vnet")),
        needs=("group",),
        address_space=network.address_space,
        subnets=(
            Subnet("apps", network.apps_subnet, "Microsoft.App/environments"),
            Subnet("database", network.database_subnet, "Microsoft.DBforPostgreSQL/flexibleServers"),
        ),
        **where,
    )
    identity = names.id(ManagedIdentity.type, names.plain("identity"))
    yield ManagedIdentity(address="identity", id=identity, needs=("group",), **where)
    workspace = names.id(LogWorkspace.type, names.plain("logs"))
    caps: dict[str, Any] = {"retention_days": logs.retention_days, "daily_cap_gb": logs.daily_cap_gb}
    yield LogWorkspace(address="workspace", id=workspace, needs=("group",), **caps, **where)
    registry = names.id(ContainerRegistry.type, names.alphanumeric("cr"))
    yield ContainerRegistry(address="registry", id=registry, needs=("group",), sku=config.registry.sku, **where)
    yield _role("registry", registry, "AcrPull", "identity")


def _role(at: str, scope: str, role: str, who: str, principal: tuple[str, str] | None = None) -> RoleAssignment:
    """`who` is the address of an identity of the stack, or "operator" with its object id and kind as `principal`."""
    object_id, kind = principal or (None, "ServicePrincipal")
    return RoleAssignment(
        address=f"role/{role.lower().replace(' ', '-')}",
        id=assignment_id(scope, role, object_id or who),
        needs=(at,) if principal else (at, who),
        parent=at,
        role=role,
        principal=lambda known: object_id or known(who, "properties.principalId"),
        principal_type=kind,
    )


def _secrets(config: Config, names: Names, site: Site) -> Iterator[Resource[Any]]:
    vault = names.id(KeyVault.type, names.world("kv"))
    officer = _role("vault", vault, "Key Vault Secrets Officer", "operator", (site.operator, site.operator_kind))
    yield KeyVault(
        address="vault",
        id=vault,
        needs=("group",),
        location=config.location,
        tags={**config.tags, **names.tags},
        tenant=site.tenant,
        retention_days=config.vault.soft_delete_days,
        purge_protection=config.vault.purge_protection,
    )
    yield officer
    yield _role("vault", vault, "Key Vault Secrets User", "identity")
    for name, generate in SECRETS.items():
        yield VaultSecret(
            address=f"secret/{name}",
            id=f"{vault}/secrets/{name}",
            needs=("vault", officer.address),
            parent="vault",
            generate=generate,
        )


def _data(config: Config, names: Names) -> Iterator[Resource[Any]]:
    tags, database = {**config.tags, **names.tags}, config.database
    network = names.id(VirtualNetwork.type, names.plain("vnet"))
    zone = names.id(PrivateDnsZone.type, f"{names.stack}.private.{POSTGRES_DOMAIN}")
    server = names.id(PostgresServer.type, names.world("db"))
    yield PrivateDnsZone(address="dns-zone", id=zone, needs=("group",), tags=tags)
    yield PrivateDnsLink(
        address="dns-link",
        id=f"{zone}/virtualNetworkLinks/{names.plain('vnet')}",
        needs=("dns-zone", "network"),
        parent="dns-zone",
        tags=tags,
        network_id=network,
    )
    yield PostgresServer(
        address="postgres",
        id=server,
        needs=("network", "dns-link", "secret/postgres-username", "secret/postgres-password"),
        location=config.location,
        tags=tags,
        sku=database.sku,
        tier=database.tier,
        storage_gb=database.storage_gb,
        version=database.version,
        backup_days=database.backup_days,
        subnet_id=f"{network}/subnets/database",
        zone_id=zone,
        admin=AdminSecrets(names.world("kv"), "postgres-username", "postgres-password"),
    )
    yield PostgresDatabase(
        address="database", id=f"{server}/databases/{database.name}", needs=("postgres",), parent="postgres"
    )


def _apps(config: Config, names: Names, site: Site) -> Iterator[Resource[Any]]:
    registry = names.id(ContainerRegistry.type, names.alphanumeric("cr"))
    yield ManagedEnvironment(
        address="environment",
        id=names.id(ManagedEnvironment.type, names.plain("env")),
        needs=("network", "workspace"),
        location=config.location,
        tags={**config.tags, **names.tags},
        subnet_id=f"{names.id(VirtualNetwork.type, names.plain('vnet'))}/subnets/apps",
        workspace_id=names.id(LogWorkspace.type, names.plain("logs")),
    )
    for image in sorted({service.image for service in config.services.values()}):
        repository = Path(image).name.lower()
        address = f"image/{repository}"
        yield Image(address=address, repository=repository, registry_id=registry, source=site.images[image])
    for name, service in config.services.items():
        yield _app(name, service, config, names, site)


def _app(name: str, service: Service, config: Config, names: Names, site: Site) -> ContainerApp:
    repository = Path(service.image).name.lower()
    server = f"{names.alphanumeric('cr')}{site.registry_suffix}"
    needed = {"db-api": ("database",)}.get(service.image, ())

    def image(known: Known) -> Any:
        digest = known(f"image/{repository}", "digest")
        return f"{server}/{repository}@{digest}" if isinstance(digest, str) else digest

    used = SECRETS_OF.get(service.image, {})
    return ContainerApp(
        address=f"app/{name}",
        id=names.id(ContainerApp.type, name),
        parent="environment",
        needs=(
            *("environment", f"image/{repository}", "role/acrpull", "role/key-vault-secrets-user", *needed),
            *(f"secret/{secret}" for secret in used.values()),
        ),
        location=config.location,
        tags={**config.tags, **names.tags},
        environment_id=names.id(ManagedEnvironment.type, names.plain("env")),
        identity_id=names.id(ManagedIdentity.type, names.plain("identity")),
        registry_server=server,
        vault_url=f"https://{names.world('kv')}{site.vault_suffix}",
        ingress=Ingress(service.external, service.port),
        container=Container(image, service.cpu, service.memory, _env(service, config, names), used),
        scale=Scale(
            service.scale.min,
            service.scale.max,
            service.scale.concurrency,
            service.scale.cooldown,
            service.scale.polling,
        ),
        probes=PROBES_OF.get(service.image, Probes("/health", "/ready")),
    )


def _env(service: Service, config: Config, names: Names) -> dict[str, str]:
    """What the bundled images are told; a service that `calls` another gets its URL, and `env` of the file wins."""
    model = config.model
    about_model = {"LM_MODEL_NAME": model.name, "LM_MAX_TOKENS": str(model.max_tokens)}
    of_image: dict[str, dict[str, str]] = {
        "chat-ui": about_model,
        "db-api": {
            "POSTGRES_HOST": f"{names.world('db')}.{POSTGRES_DOMAIN}",
            "POSTGRES_DATABASE": config.database.name,
        },
        "lm-api": {
            **about_model,
            "LM_SLOTS": str(model.slots),
            "LM_CONTEXT": str(model.context),
            **({"LM_MODEL": model.source} if model.source else {}),
            **({"LM_MODEL_SHA256": model.sha256} if model.sha256 else {}),
        },
    }
    called = {f"{other.upper().replace('-', '_')}_URL": f"http://{other}" for other in service.calls}
    return {**called, **of_image.get(service.image, {}), **service.env}
