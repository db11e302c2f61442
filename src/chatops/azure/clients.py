"""`Azure`: the handle that resources are read and written through. Each SDK client is imported when it is first needed.

Every read goes through one light client (`azure.mgmt.resource.resources`, `get_by_id`), so that a run that changes
nothing never imports the large ones.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from threading import Event, RLock
from typing import TYPE_CHECKING, Any, TypeVar

from chatops.azure.calls import JsonBody, calling, raw_json
from chatops.azure.cloud import Cloud, signed_in
from chatops.azure.limits import at_most

if TYPE_CHECKING:
    from azure.containerregistry import ContainerRegistryClient
    from azure.keyvault.secrets import SecretClient
    from azure.mgmt.appcontainers import ContainerAppsAPIClient
    from azure.mgmt.authorization import AuthorizationManagementClient
    from azure.mgmt.consumption import ConsumptionManagementClient
    from azure.mgmt.containerregistry import ContainerRegistryManagementClient
    from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient
    from azure.mgmt.costmanagement import CostManagementClient
    from azure.mgmt.dns import DnsManagementClient
    from azure.mgmt.keyvault import KeyVaultManagementClient
    from azure.mgmt.loganalytics import LogAnalyticsManagementClient
    from azure.mgmt.msi import ManagedServiceIdentityClient
    from azure.mgmt.network import NetworkManagementClient
    from azure.mgmt.postgresqlflexibleservers import PostgreSQLManagementClient
    from azure.mgmt.privatedns import PrivateDnsManagementClient
    from azure.mgmt.resource.resources import ResourceManagementClient

T = TypeVar("T")


class Azure:
    """SDK clients of one cloud, made once and shared between threads.

    `stop` ends every wait early; `tell` hears of calls that have to be repeated after a pause.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.stop = Event()
        self.tell: Callable[[str], None] = lambda _: None
        self._lock = RLock()
        self._made: dict[Any, Any] = {}
        self._held: dict[str, RLock] = {}

    def alone_with(self, resource_id: str) -> RLock:
        """Return the lock of a resource that several writers read, change and write back."""
        with self._lock:
            return self._held.setdefault(resource_id.lower(), RLock())

    def _client(self, key: Any, make: Callable[[], T]) -> T:
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            client: T = self._made[key]
            return client

    def _management(self, client_class: Callable[..., T], *, subscription: bool = True) -> T:
        cloud = self.cloud
        where = (cloud.subscription,) if subscription else ()
        options = {key: value for key, value in cloud.transport.items() if key != "proxies"}
        return self._client(
            client_class,
            lambda: client_class(
                cloud.credential,
                *where,
                base_url=cloud.arm,
                credential_scopes=[cloud.scope],
                polling_interval=cloud.poll_seconds,
                **options,
                **self._patience(),
            ),
        )

    def _patience(self) -> dict[str, Any]:
        """Return the keyword arguments of every client that say how often and how long it tries."""
        from chatops.azure.patience import CONNECT_SECONDS, READ_SECONDS, Patience

        timeouts = {"connection_timeout": at_most(CONNECT_SECONDS), "read_timeout": at_most(READ_SECONDS)}
        return {"retry_policy": Patience(self.stop, lambda said: self.tell(said)), **timeouts}

    @cached_property
    def operator(self) -> Any:
        """Who is signed in (`cloud.Principal`)."""
        return signed_in(self.cloud)

    def read(self, resource_id: str, api_version: str) -> JsonBody | None:
        """Return the resource as JSON in wire names, None when Azure answers 404 and for no other reason."""
        from azure.core.exceptions import ResourceNotFoundError

        with calling("reading", resource_id):
            try:
                body: Any = self.resources.resources.get_by_id(resource_id, api_version=api_version, cls=raw_json)
            except ResourceNotFoundError:
                return None
        return dict(body)

    def inventory(self, group: str) -> list[JsonBody]:
        """Return id, type and tags of every resource in the group; an absent group holds nothing."""
        from azure.core.exceptions import ResourceNotFoundError

        with calling("listing resources of", group):
            try:
                listed = list(self.resources.resources.list_by_resource_group(group))
            except ResourceNotFoundError:
                return []
        return [{"id": item.id, "type": item.type, "tags": item.tags or {}} for item in listed]

    @property
    def resources(self) -> ResourceManagementClient:
        from azure.mgmt.resource.resources import ResourceManagementClient

        return self._management(ResourceManagementClient)

    @property
    def network(self) -> NetworkManagementClient:
        from azure.mgmt.network import NetworkManagementClient

        return self._management(NetworkManagementClient)

    @property
    def identities(self) -> ManagedServiceIdentityClient:
        from azure.mgmt.msi import ManagedServiceIdentityClient

        return self._management(ManagedServiceIdentityClient)

    @property
    def authorization(self) -> AuthorizationManagementClient:
        from azure.mgmt.authorization import AuthorizationManagementClient

        return self._management(AuthorizationManagementClient)

    @property
    def vaults(self) -> KeyVaultManagementClient:
        from azure.mgmt.keyvault import KeyVaultManagementClient

        return self._management(KeyVaultManagementClient)

    @property
    def dns(self) -> DnsManagementClient:
        from azure.mgmt.dns import DnsManagementClient

        return self._management(DnsManagementClient)

    @property
    def private_dns(self) -> PrivateDnsManagementClient:
        from azure.mgmt.privatedns import PrivateDnsManagementClient

        return self._management(PrivateDnsManagementClient)

    @property
    def postgres(self) -> PostgreSQLManagementClient:
        from azure.mgmt.postgresqlflexibleservers import PostgreSQLManagementClient

        return self._management(PostgreSQLManagementClient)

    @property
    def registries(self) -> ContainerRegistryManagementClient:
        from azure.mgmt.containerregistry import ContainerRegistryManagementClient

        return self._management(ContainerRegistryManagementClient)

    @property
    def registry_tasks(self) -> ContainerRegistryTasksMgmtClient:
        from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient

        return self._management(ContainerRegistryTasksMgmtClient)

    @property
    def workspaces(self) -> LogAnalyticsManagementClient:
        from azure.mgmt.loganalytics import LogAnalyticsManagementClient

        return self._management(LogAnalyticsManagementClient)

    @property
    def costs(self) -> CostManagementClient:
        from azure.mgmt.costmanagement import CostManagementClient

        return self._management(CostManagementClient, subscription=False)

    @property
    def consumption(self) -> ConsumptionManagementClient:
        from azure.mgmt.consumption import ConsumptionManagementClient

        return self._management(ConsumptionManagementClient)

    @property
    def container_apps(self) -> ContainerAppsAPIClient:
        from azure.mgmt.appcontainers import ContainerAppsAPIClient

        return self._management(ContainerAppsAPIClient)

    def secrets(self, vault: str) -> SecretClient:
        """Return the data plane of a key vault."""
        from azure.keyvault.secrets import SecretClient

        url = f"https://{vault}{self.cloud.vault_suffix}"
        return self._client(
            url, lambda: SecretClient(url, self.cloud.credential, **self.cloud.transport, **self._patience())
        )

    def registry(self, name: str) -> ContainerRegistryClient:
        """Return the data plane of a container registry."""
        from azure.containerregistry import ContainerRegistryClient

        url, cloud = f"https://{name}{self.cloud.registry_suffix}", self.cloud
        options = {**cloud.transport, **self._patience(), "audience": cloud.place.registry_audience}
        return self._client(url, lambda: ContainerRegistryClient(url, cloud.credential, **options))
