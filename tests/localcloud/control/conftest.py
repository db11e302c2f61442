"""A small stack for the tests of container apps: an identity that may pull, a registry, an image, an environment."""

from __future__ import annotations

import io
import tarfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from azure.mgmt.appcontainers import ContainerAppsAPIClient
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.containerregistry import ContainerRegistryManagementClient
from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.resource.resources import ResourceManagementClient

from ..conftest import LOCATION, Cloud, wait_for

DOCKERFILE = """
FROM python:3.12-slim
WORKDIR /app
COPY service.py .
ENV GREETING=hello
CMD ["python", "service.py"]
"""

SERVICE = """
import http.server, json, os, signal, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        gate = os.environ.get("GATE")
        if gate and not os.path.exists(gate):
            return self.send_error(503)
        names = ("GREETING", "TOKEN", "CONTAINER_APP_NAME", "CONTAINER_APP_REVISION")
        body = json.dumps({name: os.environ.get(name) for name in names}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        print("asked for", self.path, flush=True)

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if "CRASH" in os.environ:
    sys.exit(3)
print("listening", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["CONTAINER_APP_PORT"])), Handler).serve_forever()
"""


def archive(files: dict[str, str]) -> bytes:
    """A build context as the clients upload it."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return whole.getvalue()


def build(cloud: Cloud, group: str, registry: str, image: str, files: dict[str, str]) -> Any:
    """One quick build, waited for; the finished run."""
    tasks = cloud.client(ContainerRegistryTasksMgmtClient)
    source = tasks.registries.get_build_source_upload_url(group, registry)
    blob = {"x-ms-blob-type": "BlockBlob"}
    ca = cloud.endpoint["ca_file"]
    requests.put(source.upload_url, data=archive(files), headers=blob, verify=ca, timeout=120).raise_for_status()
    request = {
        "type": "DockerBuildRequest",
        "imageNames": [image],
        "isPushEnabled": True,
        "dockerFilePath": "Dockerfile",
        "sourceLocation": source.relative_path,
        "platform": {"os": "Linux", "architecture": "amd64"},
    }
    run = tasks.registries.schedule_run(group, registry, request)
    running = ("Queued", "Started", "Running")
    wait_for(lambda: tasks.runs.get(group, registry, run.name).properties.status not in running)
    return tasks.runs.get(group, registry, run.name)


@dataclass
class Stack:
    """What container apps stand on."""

    cloud: Cloud
    group: str
    identity: Any
    registry: Any
    environment: Any

    @property
    def client(self) -> ContainerAppsAPIClient:
        return self.cloud.client(ContainerAppsAPIClient)

    def grant(self, scope: str, role: str, principal: str) -> None:
        roles = self.cloud.client(AuthorizationManagementClient)
        found = next(iter(roles.role_definitions.list(scope, filter=f"roleName eq '{role}'")))
        wanted = {"roleDefinitionId": found.id, "principalId": principal, "principalType": "ServicePrincipal"}
        roles.role_assignments.create(scope, str(uuid.uuid4()), {"properties": wanted})

    def body(self, **env: str) -> dict[str, Any]:
        """An external app with one container of the image `tiny:1`; change what the test is about."""
        server = self.registry.properties.login_server
        container = {
            "name": "main",
            "image": f"{server}/tiny:1",
            "resources": {"cpu": 0.25, "memory": "0.5Gi"},
            "env": [{"name": name, "value": value} for name, value in env.items()],
            "probes": [
                {"type": "Readiness", "httpGet": {"path": "/", "port": 80}, "periodSeconds": 1, "failureThreshold": 3}
            ],
        }
        return {
            "location": LOCATION,
            "identity": {"type": "UserAssigned", "userAssignedIdentities": {self.identity.id: {}}},
            "properties": {
                "environmentId": self.environment.id,
                "configuration": {
                    "activeRevisionsMode": "single",
                    "ingress": {"external": True, "targetPort": 80},
                    "registries": [{"server": server, "identity": self.identity.id}],
                },
                "template": {"containers": [container], "scale": {"minReplicas": 1, "maxReplicas": 2}},
            },
        }

    def put(self, name: str, body: dict[str, Any]) -> Any:
        return self.client.container_apps.begin_create_or_update(self.group, name, body).result()

    def ask(self, app: Any, path: str = "/") -> requests.Response:
        """One request to an external app through the ingress."""
        host = {"Host": app.properties.configuration.ingress.fqdn}
        return requests.get(self.cloud.endpoint["ingress"] + path, headers=host, timeout=120)


@pytest.fixture(scope="session")
def stack(cloud: Cloud) -> Iterator[Stack]:
    made = make_stack(cloud)
    yield made
    cloud.client(ResourceManagementClient).resource_groups.begin_delete(made.group).result()


def make_stack(cloud: Cloud) -> Stack:
    """Everything that an app needs, in the group `rg-stack`."""
    group = "rg-stack"
    cloud.client(ResourceManagementClient).resource_groups.create_or_update(group, {"location": LOCATION})
    identities = cloud.client(ManagedServiceIdentityClient).user_assigned_identities
    identity = identities.create_or_update(group, "puller", {"location": LOCATION})
    registries = cloud.client(ContainerRegistryManagementClient).registries
    registry = registries.begin_create(group, "stackreg", {"location": LOCATION, "sku": {"name": "Basic"}}).result()
    files = {"Dockerfile": DOCKERFILE, "service.py": SERVICE}
    assert build(cloud, group, "stackreg", "tiny:1", files).properties.status == "Succeeded"
    environments = cloud.client(ContainerAppsAPIClient).managed_environments
    environment = environments.begin_create_or_update(group, "env", {"location": LOCATION, "properties": {}}).result()
    made = Stack(cloud, group, identity, registry, environment)
    made.grant(registry.id, "AcrPull", identity.principal_id)
    return made
