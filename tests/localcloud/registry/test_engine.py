"""A real engine and skopeo against the registries of a running local cloud, at its loopback address."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import socket
import ssl
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.mgmt.containerregistry import ContainerRegistryManagementClient
from docker.errors import APIError, ImageNotFound
from engine import Engine

from chatops.localcloud.data.registry.access import REFRESH_USER

from ..conftest import LOCATION, Cloud, wait_for


@dataclass
class Hub:
    """One registry of a running local cloud, as engines know it."""

    cloud: Cloud
    name: str

    @property
    def address(self) -> str:
        return str(self.cloud.endpoint["registry"])

    @property
    def credential(self) -> dict[str, str]:
        form = {"grant_type": "access_token", "access_token": self.cloud.token, "service": f"{self.name}.azurecr.io"}
        answer = self.post("/oauth2/exchange", form)
        return {"username": REFRESH_USER, "password": str(answer["refresh_token"])}

    def post(self, path: str, form: dict[str, str]) -> Any:
        ca = self.cloud.endpoint["ca_file"]
        answer = requests.post(f"https://{self.address}{path}", data=form, verify=ca, timeout=120)
        answer.raise_for_status()
        return answer.json()

    def ask(self, method: str, repository: str, path: str, **more: Any) -> requests.Response:
        """One call of the distribution API with a token for the repository."""
        scope = f"repository:{self.name}/{repository}:pull,push"
        form = {"grant_type": "refresh_token", "refresh_token": self.credential["password"], "scope": scope}
        headers = {"Authorization": f"Bearer {self.post('/oauth2/token', form)['access_token']}"}
        url = f"https://{self.address}/v2/{self.name}/{repository}/{path}"
        return requests.request(
            method,
            url,
            headers=headers | more.pop("headers", {}),
            verify=self.cloud.endpoint["ca_file"],
            timeout=120,
            **more,
        )

    def writes(self) -> list[tuple[str, str]]:
        """What was sent to the registry so far: uploads and manifests."""
        calls = [
            call for call in self.cloud.calls() if call["plane"] == "registry" and f"/{self.name}/" in call["path"]
        ]
        return [(call["method"], call["path"]) for call in calls if call["method"] in ("PATCH", "PUT")]


@pytest.fixture
def hub(cloud: Cloud, group: str, request: pytest.FixtureRequest) -> Hub:
    name = "hub" + hashlib.sha256(request.node.name.encode()).hexdigest()[:12]
    registries = cloud.client(ContainerRegistryManagementClient).registries
    registries.begin_create(group, name, {"location": LOCATION, "sku": {"name": "Basic"}}).result()
    return Hub(cloud, name)


def layers(*contents: bytes) -> bytes:
    """An image of one file per layer, as `docker save` writes it: nothing has to be built or pulled."""
    whole, config = io.BytesIO(), {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers"}}
    with tarfile.open(fileobj=whole, mode="w") as archive:
        names, digests = [], []
        for number, content in enumerate(contents):
            layer = _tar({f"file-{number}": content})
            names.append(f"{number}/layer.tar")
            digests.append(f"sha256:{hashlib.sha256(layer).hexdigest()}")
            _add(archive, names[-1], layer)
        config["rootfs"] |= {"diff_ids": digests}
        config["history"] = [{"created": "2020-01-01T00:00:00Z"} for _ in contents]
        _add(archive, "config.json", json.dumps(config).encode())
        _add(
            archive, "manifest.json", json.dumps([{"Config": "config.json", "RepoTags": [], "Layers": names}]).encode()
        )
    return whole.getvalue()


def _tar(files: dict[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for name, content in files.items():
            _add(archive, name, content)
    return whole.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


@dataclass
class Local:
    """An image in the engine under the name that the registry has for it."""

    engine: Engine
    repository: str
    tag: str = "1"

    def load(self, content: bytes) -> None:
        (image,) = self.engine.client.images.load(content)
        image.tag(self.repository, self.tag)

    def push(self, credential: dict[str, str] | None) -> list[dict[str, Any]]:
        auth = credential or {"username": "nobody", "password": "wrong"}
        api = self.engine.client.api
        return list(api.push(self.repository, self.tag, stream=True, decode=True, auth_config=auth))

    def remove(self) -> None:
        for image in self.engine.client.images.list(self.repository):
            self.engine.client.images.remove(image.id, force=True)


@pytest.fixture
def local(hub: Hub, engine: Engine) -> Iterator[Local]:
    made = Local(engine, f"{hub.address}/{hub.name}/chat/ui")
    yield made
    made.remove()


def digest_of(events: list[dict[str, Any]]) -> str:
    assert not [event["error"] for event in events if "error" in event]
    return str(next(event["aux"]["Digest"] for event in events if "aux" in event))


def test_an_engine_pushes_and_pulls_the_same_digest_and_sends_nothing_twice(hub: Hub, local: Local) -> None:
    local.load(layers(b"one" * 100_000, b"two" * 100_000))
    digest = digest_of(local.push(hub.credential))
    sent = hub.writes()
    assert digest_of(local.push(hub.credential)) == digest
    assert [call for call in hub.writes()[len(sent) :] if "/blobs/" in call[1]] == []
    local.remove()
    pulled = local.engine.client.images.pull(f"{local.repository}@{digest}", auth_config=hub.credential)
    assert f"{local.repository}@{digest}" in pulled.attrs["RepoDigests"]


def test_one_changed_layer_is_one_layer_sent(hub: Hub, local: Local) -> None:
    local.load(layers(b"dependencies" * 10_000, b"code"))
    local.push(hub.credential)
    sent = len(hub.writes())
    local.load(layers(b"dependencies" * 10_000, b"code, changed"))
    digest_of(local.push(hub.credential))
    blobs = [path for method, path in hub.writes()[sent:] if method == "PATCH"]
    assert len(blobs) == 2, "the changed layer and the configuration"


def test_a_missing_or_wrong_credential_is_refused_and_leaves_nothing(hub: Hub, local: Local) -> None:
    local.load(layers(b"content"))
    events = local.push(None)
    assert any("unauthorized" in event.get("error", "") for event in events), events
    with pytest.raises((ImageNotFound, APIError)):
        local.engine.client.images.pull(local.repository, tag="1", auth_config={"username": "a", "password": "b"})
    assert hub.ask("GET", "chat/ui", "tags/list").status_code == 404
    assert digest_of(local.push(hub.credential))


def test_a_push_that_is_broken_off_goes_on_without_sending_again_what_is_there(
    hub: Hub, cloud: Cloud, local: Local, tmp_path: Path
) -> None:
    if shutil.which("docker") is None:
        pytest.skip("the docker command is not installed")
    docker = ["docker", "--host", local.engine.host, "--config", str(tmp_path)]
    login = [*docker, "login", hub.address, "--username", hub.credential["username"], "--password-stdin"]
    subprocess.run(login, input=hub.credential["password"].encode(), check=True, capture_output=True)
    local.load(layers(b"one", b"two", b"three"))
    third = {"match": f"PATCH */v2/{hub.name}/*", "answer": "hang", "first": 3, "times": 1}
    cloud.call("PATCH", "/_local/trouble", json={"faults": [third]})
    try:
        with subprocess.Popen([*docker, "push", f"{local.repository}:1"], stdout=subprocess.PIPE, text=True) as push:
            assert push.stdout
            assert sum(1 for _ in zip(range(2), filter(_pushed, push.stdout), strict=False)) == 2
            push.kill()
        assert hub.ask("GET", "chat/ui", "tags/list").status_code == 404
    finally:
        cloud.call("DELETE", "/_local/trouble")
    wait_for(lambda: len(patches(hub.writes())) == 3)  # the third is in the journal once it was let go
    sent = hub.writes()
    digest_of(local.push(hub.credential))
    again = patches(hub.writes()[len(sent) :])
    assert 1 <= len(again) <= 2, "the third layer and the configuration"


def patches(writes: list[tuple[str, str]]) -> list[str]:
    """The uploads among them."""
    return [path for method, path in writes if method == "PATCH"]


def _pushed(line: str) -> bool:
    return line.rstrip().endswith(": Pushed")


def test_docker_login_keeps_a_credential_that_works(hub: Hub, local: Local, tmp_path: Path) -> None:
    if shutil.which("docker") is None:
        pytest.skip("the docker command is not installed")
    docker = ["docker", "--host", local.engine.host, "--config", str(tmp_path)]
    local.load(layers(b"content"))
    refused = subprocess.run([*docker, "push", f"{local.repository}:1"], capture_output=True, text=True)
    assert refused.returncode != 0
    credential = hub.credential
    login = [*docker, "login", hub.address, "--username", credential["username"], "--password-stdin"]
    assert subprocess.run(login, input=b"wrong", capture_output=True).returncode != 0
    subprocess.run(login, input=credential["password"].encode(), check=True, capture_output=True)
    for verb in ("push", "pull"):
        subprocess.run([*docker, verb, f"{local.repository}:1"], check=True, capture_output=True)


def test_skopeo_copies_out_and_back_in_under_the_same_digest(hub: Hub, local: Local, tmp_path: Path) -> None:
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed")
    local.load(layers(b"one" * 1000, b"two" * 1000))
    digest = digest_of(local.push(hub.credential))
    credential = ":".join(hub.credential.values())
    there, folder = f"docker://{hub.address}/{hub.name}", f"dir:{tmp_path / 'copy'}"
    read = ["--src-tls-verify=false", f"--src-creds={credential}"]
    write = ["--dest-tls-verify=false", f"--dest-creds={credential}"]
    copies = [
        [*read, f"{there}/chat/ui:1", folder],
        [*write, folder, f"{there}/copied/ui:2"],
        [*read, *write, f"{there}/chat/ui@{digest}", f"{there}/again/ui:3"],
    ]
    for copy in copies:
        subprocess.run(["skopeo", "copy", "--quiet", *copy], check=True, capture_output=True)
    for repository, tag in (("copied/ui", "2"), ("again/ui", "3")):
        found = hub.ask("HEAD", repository, f"manifests/{tag}")
        assert found.headers["Docker-Content-Digest"] == digest


def test_an_upload_that_breaks_off_leaves_nothing_visible_and_can_go_on(hub: Hub, cloud: Cloud) -> None:
    content = bytes(range(256)) * 1000
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    place = hub.ask("POST", "chat/ui", "blobs/uploads/").headers["Location"].split("/chat/ui/")[1]
    form = {"grant_type": "refresh_token", "refresh_token": hub.credential["password"]}
    token = hub.post("/oauth2/token", form | {"scope": f"repository:{hub.name}/chat/ui:push"})["access_token"]
    head = f"PATCH /v2/{hub.name}/chat/ui/{place} HTTP/1.1\r\nHost: {hub.address}\r\nAuthorization: Bearer {token}\r\n"
    host, port = hub.address.split(":")
    context = ssl.create_default_context(cafile=cloud.endpoint["ca_file"])
    with context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host) as connection:
        connection.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content[:100_000])
    assert hub.ask("HEAD", "chat/ui", f"blobs/{digest}").status_code == 404
    assert hub.ask("GET", "chat/ui", "tags/list").status_code == 404
    rest = go_on(hub, place, content, digest)
    while rest.status_code == 416:  # bytes of the broken connection came in between
        rest = go_on(hub, place, content, digest)
    assert rest.status_code == 201, rest.text
    assert hub.ask("GET", "chat/ui", f"blobs/{digest}").content == content


def go_on(hub: Hub, place: str, content: bytes, digest: str) -> requests.Response:
    """Send what the upload lacks."""
    status = hub.ask("GET", "chat/ui", place)
    assert status.status_code == 204
    last = int(status.headers["Range"].split("-")[1])
    there = last + 1 if last else 0
    headers = {"Content-Range": f"{there}-{len(content) - 1}"}
    return hub.ask("PUT", "chat/ui", f"{place}?digest={digest}", data=content[there:], headers=headers)
