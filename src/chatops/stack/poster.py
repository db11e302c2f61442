"""The poster: a configuration becomes the resources of a chat stack. Read top to bottom, it is the architecture.

internet -> ui -> db-api -> PostgreSQL        in one virtual network, images from the stack's own registry,
             \\--> lm-api (llama.cpp)           secrets from the stack's own vault through a managed identity
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chatops import resources as kinds
from chatops.config.schema import Config, Service
from chatops.engine.resource import Known, Resource
from chatops.resources.app_parts import Container, Ingress
from chatops.resources.network import Subnet
from chatops.resources.postgres import AdminSecrets
from chatops.resources.role import assignment_id
from chatops.stack.hosting import ground_of, hosting
from chatops.stack.site import Site, names_of
from chatops.stack.wiring import SECRETS, environment_of, gate_of, probes_of, scale_of, secrets_of

OFFICER, READER, PULLER = "Key Vault Secrets Officer", "Key Vault Secrets User", "AcrPull"


def resources(config: Config, site: Site) -> list[Resource[Any]]:
    """Return everything the stack is made of."""
    return list(_Stack(config, site).all())


class _Stack:
    def __init__(self, config: Config, site: Site) -> None:
        self.config, self.site = config, site
        self.names = names = names_of(config, site.subscription)
        self.tags = {**config.tags, **names.tags}
        self.here: dict[str, Any] = {"location": config.location, "tags": self.tags}
        self.network = names.id(kinds.VirtualNetwork.type, names.plain("vnet"))
        self.identity = names.id(kinds.ManagedIdentity.type, names.plain("identity"))
        self.vault = names.id(kinds.KeyVault.type, names.world("kv"))
        self.zone = names.id(kinds.PrivateDnsZone.type, f"{names.stack}.private.{site.postgres_domain}")
        self.server = names.id(kinds.PostgresServer.type, names.world("db"))
        self.registry = names.id(kinds.ContainerRegistry.type, names.alphanumeric("cr"))
        self.workspace = names.id(kinds.LogWorkspace.type, names.plain("logs"))
        self.environment = names.id(kinds.ManagedEnvironment.type, names.plain("env"))

    def all(self) -> Iterator[Resource[Any]]:
        yield kinds.ResourceGroup(address="group", id=self.names.group_id, **self.here)
        yield from self._budget()
        yield from self._network()
        yield from self._secrets()
        yield from self._database()
        yield from self._images()
        yield from self._apps()
        yield from hosting(ground_of(self.config, self.site.subscription, self.site.dns_seconds), self.config.domain)

    def _budget(self) -> Iterator[Resource[Any]]:
        if budget := self.config.budget:
            yield kinds.Budget(
                address="budget",
                id=self.names.id(kinds.Budget.type, self.names.plain("budget")),
                needs=("group",),
                amount=budget.amount,
                emails=budget.emails,
                actual=budget.actual,
                forecast=budget.forecast,
            )

    def _network(self) -> Iterator[Resource[Any]]:
        ranges, link = self.config.network, f"{self.zone}/virtualNetworkLinks/{self.names.plain('vnet')}"
        apps = Subnet("apps", ranges.apps_subnet, "Microsoft.App/environments")
        database = Subnet("database", ranges.database_subnet, "Microsoft.DBforPostgreSQL/flexibleServers")
        yield kinds.VirtualNetwork(
            address="network",
            id=self.network,
            needs=("group",),
            address_space=ranges.address_space,
            subnets=(apps, database),
            **self.here,
        )
        yield kinds.PrivateDnsZone(address="dns-zone", id=self.zone, needs=("group",), tags=self.tags)
        yield kinds.PrivateDnsLink(
            address="dns-link",
            id=link,
            needs=("dns-zone", "network"),
            parent="dns-zone",
            tags=self.tags,
            network_id=self.network,
        )

    def _secrets(self) -> Iterator[Resource[Any]]:
        yield kinds.ManagedIdentity(address="identity", id=self.identity, needs=("group",), **self.here)
        yield kinds.KeyVault(
            address="vault",
            id=self.vault,
            needs=("group",),
            tenant=self.site.tenant,
            retention_days=self.config.vault.soft_delete_days,
            purge_protection=self.config.vault.purge_protection,
            **self.here,
        )
        yield self._role("role/secrets-officer", "vault", OFFICER, (self.site.operator, self.site.operator_kind))
        yield self._role("role/secrets-user", "vault", READER)
        for name, generate in SECRETS.items():
            yield kinds.VaultSecret(
                address=f"secret/{name}",
                id=f"{self.vault}/secrets/{name}",
                needs=("vault", "role/secrets-officer"),
                parent="vault",
                generate=generate,
            )

    def _role(self, address: str, at: str, role: str, who: tuple[str, str] | None = None) -> kinds.RoleAssignment:
        """`who` is an object id and its kind; without one the role goes to the stack's managed identity."""
        scope = {"vault": self.vault, "registry": self.registry}[at]
        object_id, kind = who or ("", "ServicePrincipal")
        return kinds.RoleAssignment(
            address=address,
            id=assignment_id(scope, role, object_id or self.identity),
            needs=(at,) if who else (at, "identity"),
            parent=at,
            role=role,
            principal=lambda known: object_id or known("identity", "properties.principalId"),
            principal_type=kind,
        )

    def _database(self) -> Iterator[Resource[Any]]:
        database = self.config.database
        yield kinds.PostgresServer(
            address="postgres",
            id=self.server,
            needs=("network", "dns-link", "secret/postgres-username", "secret/postgres-password"),
            sku=database.sku,
            tier=database.tier,
            storage_gb=database.storage_gb,
            version=database.version,
            backup_days=database.backup_days,
            subnet_id=f"{self.network}/subnets/database",
            zone_id=self.zone,
            admin=AdminSecrets(self.names.world("kv"), "postgres-username", "postgres-password"),
            **self.here,
        )
        inside = f"{self.server}/databases/{database.name}"
        yield kinds.PostgresDatabase(address="database", id=inside, needs=("postgres",), parent="postgres")

    def _images(self) -> Iterator[Resource[Any]]:
        sku = self.config.registry.sku
        yield kinds.ContainerRegistry(address="registry", id=self.registry, needs=("group",), sku=sku, **self.here)
        yield self._role("role/acr-pull", "registry", PULLER)
        for image, source in sorted(self.site.images.items()):
            repository = _repository(image)
            yield kinds.Image(
                address=f"image/{repository}",
                repository=repository,
                registry_id=self.registry,
                source=source,
                needs=("registry", *(f"image/{name}" for name in source.below)),
            )

    def _apps(self) -> Iterator[Resource[Any]]:
        logs = self.config.logs
        yield kinds.LogWorkspace(
            address="workspace",
            id=self.workspace,
            needs=("group",),
            retention_days=logs.retention_days,
            daily_cap_gb=logs.daily_cap_gb,
            **self.here,
        )
        fetches = any(domain.in_vault for domain in self.config.domain.values())
        yield kinds.ManagedEnvironment(
            address="environment",
            id=self.environment,
            needs=("network", "workspace", *(("identity", "role/secrets-user") if fetches else ())),
            subnet_id=f"{self.network}/subnets/apps",
            workspace_id=self.workspace,
            identity_id=self.identity if fetches else None,
            **self.here,
        )
        for name, service in self.config.services.items():
            yield self._app(name, service)

    def _app(self, name: str, service: Service) -> kinds.ContainerApp:
        secrets, repository = secrets_of(service), _repository(service.image)
        server = f"{self.names.alphanumeric('cr')}{self.site.registry_suffix}"
        host = f"{self.names.world('db')}.{self.site.postgres_domain}"

        def image(known: Known) -> Any:
            digest = known(f"image/{repository}", "digest")
            return f"{server}/{repository}@{digest}" if isinstance(digest, str) else digest

        environment = environment_of(service, self.config, host)
        needs = ["environment", f"image/{repository}", "role/acr-pull", "role/secrets-user"]
        needs += [f"secret/{secret}" for secret in secrets.values()] + ["database"] * ("POSTGRES_HOST" in environment)
        return kinds.ContainerApp(
            address=f"app/{name}",
            id=self.names.id(kinds.ContainerApp.type, name),
            parent="environment",
            needs=tuple(needs),
            environment_id=self.environment,
            identity_id=self.identity,
            registry_server=server,
            vault_url=f"https://{self.names.world('kv')}{self.site.vault_suffix}",
            ingress=Ingress(service.external, service.port),
            container=Container(image, service.cpu, service.memory, environment, secrets),
            scale=scale_of(service.scale),
            profile=service.profile,
            probes=probes_of(service),
            gate=gate_of(service),
            **self.here,
        )


def _repository(image: str) -> str:
    return Path(image).name.lower()
