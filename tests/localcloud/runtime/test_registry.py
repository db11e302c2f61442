"""The registry's data plane, asked by Azure's own client; on loopback, so repositories are spelled `chatreg/...`."""

import asyncio

import pytest
import uvicorn
from azure.containerregistry import ArtifactTagOrder, ContainerRegistryClient
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError

from chatops.localcloud.certificates import Certificates
from chatops.localcloud.data.images import ImageStore, Reference
from chatops.localcloud.data.registry import registry_app
from chatops.localcloud.identity import Tokens

pytestmark = pytest.mark.anyio

SERVER = "chatreg.azurecr.io"
PULL = "Microsoft.ContainerRegistry/registries/pull/read"
DELETE = "Microsoft.ContainerRegistry/registries/artifacts/delete"


class Operator:
    """A credential as azure-identity gives it."""

    def __init__(self, tokens, audience="https://management.azure.com"):
        self.token = tokens.issue("operator", audience)

    def get_token(self, *scopes, **_):
        return AccessToken(self.token, 2**31)


class Registry:
    """A served registry, its store and who may do what in it."""

    def __init__(self, images, tokens):
        self.images = images
        self.tokens = tokens
        self.permitted = {PULL, DELETE}
        self.url = ""
        self.ca = ""
        self.audience = "https://127.0.0.1:1"

    async def collect(self):
        self.images.sweep(set())

    def servers(self):
        return [SERVER]

    def allows(self, oid, action, server):
        return (oid, server) == ("operator", SERVER) and action in self.permitted

    def admin(self, user, password, server):
        return "operator" if (user, password, server) == ("chatreg", "right", SERVER) else None

    def client(self, credential=None):
        return ContainerRegistryClient(
            self.url, credential or Operator(self.tokens), connection_verify=str(self.ca), retry_total=0
        )

    async def ask(self, operation, *args, credential=None, **options):
        """Call one method of the client in a thread; paged results are read to their end."""

        def call():
            with self.client(credential) as client:
                found = operation(client, *args, **options)
                return list(found) if hasattr(found, "by_page") else found

        return await asyncio.to_thread(call)


def image(images, folder, text):
    root = images.incoming / folder
    root.mkdir()
    (root / "file").write_text(text)
    manifest = {"mediaType": "application/vnd.chatops.process-image.v1+json", "schemaVersion": 2, "config": {}}
    return images.add(manifest | {"files": {"digest": f"sha256:{folder}", "size": len(text)}}, root)


@pytest.fixture
async def registry(tmp_path):
    images = ImageStore(tmp_path / "images")
    registry = Registry(images, Tokens(tmp_path / "key", "tenant"))
    registry.first, registry.second = image(images, "a" * 64, "one"), image(images, "b" * 64, "three")
    for reference, digest in (
        ("chat/ui:1", registry.first),
        ("chat/ui:2", registry.second),
        ("chat/ui:latest", registry.second),
        ("db:1", registry.first),
    ):
        images.tag(Reference.parse(f"{SERVER}/{reference}"), digest)
    certificates = Certificates(tmp_path)
    certificates.ensure()
    registry.ca = certificates.authority
    config = uvicorn.Config(
        registry_app(images, registry.tokens, registry, registry.collect),
        port=0,
        log_level="error",
        ssl_certfile=certificates.server,
        ssl_keyfile=certificates.server_key,
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    ready = asyncio.Event()
    startup = server.startup

    async def started(sockets=None):
        await startup(sockets)
        ready.set()

    server.startup = started
    serving = asyncio.create_task(server.serve())
    await ready.wait()
    registry.url = f"https://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield registry
    server.should_exit = server.force_exit = True
    await serving


async def test_client_lists_repositories_tags_and_manifests_page_by_page(registry):
    ask, client = registry.ask, ContainerRegistryClient
    assert await ask(client.list_repository_names, results_per_page=1) == ["chatreg/chat/ui", "chatreg/db"]
    tags = await ask(client.list_tag_properties, "chatreg/chat/ui", results_per_page=2)
    expected = [("1", registry.first), ("2", registry.second), ("latest", registry.second)]
    assert [(tag.name, tag.digest) for tag in tags] == expected
    manifests = await ask(client.list_manifest_properties, "chatreg/chat/ui")
    assert {manifest.digest: manifest.size_in_bytes for manifest in manifests} == {
        registry.first: 3,
        registry.second: 5,
    }
    repository = await ask(client.get_repository_properties, "chatreg/chat/ui")
    assert (repository.manifest_count, repository.tag_count) == (2, 3)


async def test_client_resolves_tags_and_checks_the_manifests_digest(registry):
    ask, client = registry.ask, ContainerRegistryClient
    properties = await ask(client.get_manifest_properties, "chatreg/chat/ui", "latest")
    assert (properties.digest, properties.tags) == (registry.second, ["2", "latest"])
    assert (await ask(client.get_tag_properties, "chatreg/chat/ui", "1")).digest == registry.first
    for reference in ("1", registry.first):
        found = await ask(client.get_manifest, "chatreg/chat/ui", reference)
        assert found.digest == registry.first
        assert found.manifest["files"]["size"] == 3


async def test_what_is_not_there_is_a_404(registry):
    ask, client = registry.ask, ContainerRegistryClient
    for operation, *args in (
        (client.get_tag_properties, "chatreg/chat/ui", "9"),
        (client.get_tag_properties, "chatreg/none", "1"),
        (client.get_manifest_properties, "chatreg/db", registry.second),
        (client.get_manifest, "chatreg/db", "none"),
        (client.get_repository_properties, "chatreg/chat"),
    ):
        with pytest.raises(ResourceNotFoundError):
            await ask(operation, *args)


async def test_deleting_a_tag_a_manifest_and_a_repository(registry):
    ask, client = registry.ask, ContainerRegistryClient
    await ask(client.delete_tag, "chatreg/chat/ui", "latest")
    assert registry.images.resolve(Reference.parse(f"{SERVER}/chat/ui:latest")) is None
    await ask(client.delete_manifest, "chatreg/chat/ui", registry.second)
    tags = await ask(
        client.list_tag_properties, "chatreg/chat/ui", order_by=ArtifactTagOrder.LAST_UPDATED_ON_DESCENDING
    )
    assert [tag.name for tag in tags] == ["1"]
    await ask(client.delete_repository, "chatreg/chat/ui")
    assert await ask(client.list_repository_names) == ["chatreg/db"]
    assert registry.images.content(registry.first) is not None
    assert registry.images.content(registry.second) is None


async def test_tokens_and_roles_are_checked(registry):
    ask, client = registry.ask, ContainerRegistryClient
    with pytest.raises(ClientAuthenticationError):
        await ask(client.list_repository_names, credential=Operator(registry.tokens, "https://vault.azure.net"))
    registry.permitted = {PULL}
    with pytest.raises(HttpResponseError) as refused:
        await ask(client.delete_repository, "chatreg/db")
    assert refused.value.status_code == 403
    assert await ask(client.list_repository_names) == ["chatreg/chat/ui", "chatreg/db"]
