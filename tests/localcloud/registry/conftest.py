"""Registries served in this process, and a client that signs in to them as the distribution API has it."""

import hashlib
import json

import httpx
import pytest

from chatops.localcloud.data.images import ImageStore
from chatops.localcloud.data.manifests import OCI_MANIFEST
from chatops.localcloud.data.registry import registry_app
from chatops.localcloud.identity import Tokens

ACTIONS = {
    "pull": "Microsoft.ContainerRegistry/registries/pull/read",
    "push": "Microsoft.ContainerRegistry/registries/push/write",
    "delete": "Microsoft.ContainerRegistry/registries/artifacts/delete",
}


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


def sha(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Hub:
    """The registries `chatreg` and `other`; `roles` says what each principal may do in which."""

    audience = "https://127.0.0.1:1"

    def __init__(self, folder):
        self.images = ImageStore(folder / "images")
        self.tokens = Tokens(folder / "key", "tenant")
        self.running = set()
        self.roles = {("operator", server): set(ACTIONS.values()) for server in self.servers()}
        self.roles["puller", "chatreg.azurecr.io"] = {ACTIONS["pull"]}
        self.app = registry_app(self.images, self.tokens, self, self.collect)

    async def collect(self):
        self.images.sweep(self.running)

    def servers(self):
        return ["chatreg.azurecr.io", "other.azurecr.io"]

    def allows(self, oid, action, server):
        return action in self.roles.get((oid, server), ())

    def admin(self, user, password, server):
        return "operator" if (user, password, server) == ("chatreg", "right", "chatreg.azurecr.io") else None

    def client(self, host="chatreg.azurecr.io", principal="operator"):
        return Client(self, host, principal)


class Client:
    """One principal at one address."""

    def __init__(self, hub, host, principal):
        self.hub = hub
        transport = httpx.ASGITransport(hub.app)
        self.http = httpx.AsyncClient(transport=transport, base_url=f"https://{host}")
        self.refresh = hub.tokens.issue(principal, f"https://{host.partition(':')[0]}/refresh")
        self.scope = ""

    async def sign_in(self, scope):
        form = {"grant_type": "refresh_token", "refresh_token": self.refresh, "scope": scope}
        answer = await self.http.post("/oauth2/token", data=form)
        self.scope, self.http.headers["Authorization"] = scope, f"Bearer {answer.json()['access_token']}"

    async def ask(self, method, path, **more):
        """A call with a token for pull, push and delete of the path's repository."""
        name = path.removeprefix("/v2/").split("/blobs/")[0].split("/manifests/")[0].split("/tags/")[0]
        scope = f"repository:{name}:pull,push,delete"
        if scope != self.scope:
            await self.sign_in(scope)
        return await self.http.request(method, path, **more)

    async def push_blob(self, name, content):
        answer = await self.ask("POST", f"/v2/{name}/blobs/uploads/?digest={sha(content)}", content=content)
        assert answer.status_code == 201, answer.text
        return {"digest": sha(content), "size": len(content)}

    async def push(self, name, tag, *layers):
        """An image of these layers; its digest."""
        config = await self.push_blob(name, json.dumps({"architecture": "amd64", "os": "linux"}).encode())
        manifest = image(config, [await self.push_blob(name, layer) for layer in layers])
        answer = await self.put(name, tag, manifest)
        assert answer.status_code == 201, answer.text
        return answer.headers["Docker-Content-Digest"]

    async def put(self, name, tag, manifest, media_type=OCI_MANIFEST):
        content = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        headers = {"Content-Type": media_type}
        return await self.ask("PUT", f"/v2/{name}/manifests/{tag}", content=content, headers=headers)


def image(config, layers):
    return {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers}


def code(answer):
    return answer.status_code, answer.json()["errors"][0]["code"]


@pytest.fixture
def hub(tmp_path):
    return Hub(tmp_path)


@pytest.fixture
def client(hub):
    return hub.client()
