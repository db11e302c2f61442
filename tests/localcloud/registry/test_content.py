"""Manifests, tags, catalog: what is kept, what is refused, and how lists go on."""

import asyncio
import json

import pytest

from chatops.localcloud.data.images import Reference
from chatops.localcloud.data.manifests import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, PROCESS_IMAGE

from .conftest import code, image, sha

pytestmark = pytest.mark.anyio


async def test_an_image_is_found_by_tag_and_by_digest_with_its_exact_bytes(client):
    digest = await client.push("chat/ui", "1", b"layer one", b"layer two")
    for reference in ("1", digest):
        found = await client.ask("GET", f"/v2/chat/ui/manifests/{reference}")
        assert (found.status_code, found.headers["Content-Type"]) == (200, OCI_MANIFEST)
        assert sha(found.content) == found.headers["Docker-Content-Digest"] == digest
        head = await client.ask("HEAD", f"/v2/chat/ui/manifests/{reference}")
        assert int(head.headers["Content-Length"]) == len(found.content)
    assert code(await client.ask("GET", "/v2/chat/ui/manifests/2")) == (404, "MANIFEST_UNKNOWN")
    assert code(await client.ask("GET", f"/v2/chat/ui/manifests/{sha(b'')}")) == (404, "MANIFEST_UNKNOWN")


async def test_a_manifest_is_kept_only_when_all_that_it_names_is_there(client):
    config, layer = await client.push_blob("chat/ui", b"{}"), await client.push_blob("chat/ui", b"layer")
    absent = {"digest": sha(b"never sent"), "size": 10}
    elsewhere = await client.push_blob("db", b"another repository's")
    for layers in ([layer, absent], [elsewhere]):
        refused = await client.put("chat/ui", "1", image(config, layers))
        assert code(refused) == (400, "MANIFEST_BLOB_UNKNOWN")
    lying = await client.put("chat/ui", "1", image(config, [layer | {"size": 6}]))
    assert code(lying) == (400, "MANIFEST_INVALID")
    assert code(await client.ask("GET", "/v2/chat/ui/tags/list")) == (404, "NAME_UNKNOWN")
    foreign = absent | {"urls": ["https://elsewhere.example/layer"]}
    assert (await client.put("chat/ui", "1", image(config, [layer, foreign]))).status_code == 201


@pytest.mark.parametrize(
    ("manifest", "media_type"),
    [
        (b"no json", OCI_MANIFEST),
        (b"[]", OCI_MANIFEST),
        ({"schemaVersion": 1}, OCI_MANIFEST),
        ({"schemaVersion": 2}, OCI_MANIFEST),
        ({"schemaVersion": 2, "config": {}, "layers": []}, OCI_MANIFEST),
        ({"schemaVersion": 2, "config": "x", "layers": 1}, OCI_MANIFEST),
        ({"schemaVersion": 2, "manifests": [{"digest": "sha256:x", "size": 1}]}, OCI_INDEX),
        ({"schemaVersion": 2, "mediaType": DOCKER_MANIFEST}, OCI_MANIFEST),
        ({"schemaVersion": 1}, "application/vnd.docker.distribution.manifest.v1+prettyjws"),
        ({"schemaVersion": 2}, ""),
    ],
)
async def test_what_is_no_manifest_is_refused(client, manifest, media_type):
    assert code(await client.put("chat/ui", "1", manifest, media_type)) == (400, "MANIFEST_INVALID")


async def test_a_manifest_under_anothers_digest_or_too_large_is_refused(client):
    config = await client.push_blob("chat/ui", b"{}")
    assert code(await client.put("chat/ui", sha(b"other"), image(config, []))) == (400, "DIGEST_INVALID")
    assert code(await client.put("chat/ui", "1", b" " * (4 << 20) + b"{}")) == (413, "MANIFEST_INVALID")


@pytest.mark.parametrize(
    ("name", "error"), [("Chat", "NAME_INVALID"), ("a//b", "NAME_INVALID"), ("-a", "NAME_INVALID")]
)
async def test_names_follow_the_rules(client, name, error):
    assert code(await client.ask("POST", f"/v2/{name}/blobs/uploads/")) == (400, error)


async def test_tags_follow_the_rules(client):
    config = await client.push_blob("chat/ui", b"{}")
    for tag in (".hidden", "x" * 129, "ümlaut"):
        assert code(await client.put("chat/ui", tag, image(config, []))) == (400, "TAG_INVALID")


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST])
async def test_an_index_needs_its_images(client, media_type):
    digest = await client.push("chat/ui", "amd64", b"layer")
    size = int((await client.ask("HEAD", "/v2/chat/ui/manifests/amd64")).headers["Content-Length"])
    entry = {"digest": digest, "size": size, "platform": {"architecture": "amd64", "os": "linux"}}
    index = {"schemaVersion": 2, "mediaType": media_type, "manifests": [entry]}
    absent = index | {"manifests": [entry, entry | {"digest": sha(b"arm64")}]}
    assert code(await client.put("chat/ui", "all", absent, media_type)) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert (await client.put("chat/ui", "all", index, media_type)).status_code == 201
    assert (await client.ask("GET", "/v2/chat/ui/manifests/all")).headers["Content-Type"] == media_type


async def test_a_running_index_keeps_its_images_and_their_blobs(hub, client):
    digest = await client.push("chat/ui", "amd64", b"layer")
    size = len(hub.images.content(digest))
    index = {"schemaVersion": 2, "manifests": [{"digest": digest, "size": size}]}
    whole = (await client.put("chat/ui", "all", index, OCI_INDEX)).headers["Docker-Content-Digest"]
    hub.images.delete_registry("chatreg.azurecr.io")
    hub.images.sweep({whole})
    assert hub.images.content(digest)
    assert hub.images.blobs.read(sha(b"layer")) == b"layer"
    hub.images.sweep(set())
    assert (hub.images.content(digest), hub.images.blobs.read(sha(b"layer"))) == (None, None)


async def test_deleting_by_digest_takes_the_tags_along_and_by_tag_is_refused(client):
    digest = await client.push("chat/ui", "1", b"layer")
    await client.push("chat/ui", "2", b"other layer")
    assert code(await client.ask("DELETE", "/v2/chat/ui/manifests/1")) == (405, "UNSUPPORTED")
    assert (await client.ask("DELETE", f"/v2/chat/ui/manifests/{digest}")).status_code == 202
    assert (await client.ask("GET", "/v2/chat/ui/tags/list")).json() == {"name": "chat/ui", "tags": ["2"]}


async def test_tags_and_catalog_are_read_page_by_page(client):
    for tag in ("b", "a", "c"):
        await client.push("chat/ui", tag, b"layer")
    await client.push("db", "1", b"layer")
    first = await client.ask("GET", "/v2/chat/ui/tags/list?n=2")
    assert first.json()["tags"] == ["a", "b"]
    assert first.links["next"]["url"] == "/v2/chat/ui/tags/list?last=b&n=2"
    rest = await client.ask("GET", first.links["next"]["url"])
    assert (rest.json()["tags"], rest.links) == (["c"], {})
    assert (await client.ask("GET", "/v2/chat/ui/tags/list?n=0")).json()["tags"] == []
    assert code(await client.ask("GET", "/v2/chat/ui/tags/list?n=few")) == (400, "PAGINATION_NUMBER_INVALID")
    await client.sign_in("registry:catalog:*")
    first = await client.http.get("/v2/_catalog?n=1")
    assert (first.json(), first.links["next"]["url"]) == (
        {"repositories": ["chat/ui"]},
        "/v2/_catalog?last=chat/ui&n=1",
    )
    assert (await client.http.get(first.links["next"]["url"])).json() == {"repositories": ["db"]}


async def test_many_pushes_at_once_all_arrive(hub):
    clients = [hub.client() for _ in range(8)]
    digests = await asyncio.gather(
        *(one.push("chat/ui", f"t{n}", b"shared", b"%d" % n) for n, one in enumerate(clients))
    )
    listed = (await clients[0].ask("GET", "/v2/chat/ui/tags/list")).json()["tags"]
    assert listed == [f"t{n}" for n in range(8)]
    assert len(set(digests)) == 8


async def test_azures_own_lists_tell_of_real_images(client):
    digest = await client.push("chat/ui", "1", b"x" * 1000)
    await client.sign_in("repository:chat/ui:metadata_read")
    (found,) = (await client.http.get("/acr/v1/chat/ui/_manifests")).json()["manifests"]
    assert (found["digest"], found["tags"], found["mediaType"]) == (digest, ["1"], OCI_MANIFEST)
    assert (found["architecture"], found["os"]) == ("amd64", "linux")
    assert found["imageSize"] == 1000 + len(json.dumps({"architecture": "amd64", "os": "linux"}))


async def test_an_engine_that_asks_for_a_process_image_is_told_what_that_is(hub, client):
    root = hub.images.incoming / "root"
    root.mkdir()
    manifest = {"mediaType": PROCESS_IMAGE, "files": {"digest": sha(b""), "size": 0}}
    hub.images.add(manifest, root, [Reference("chatreg.azurecr.io", "svc", "1")])
    path = "/v2/svc/manifests/1"
    refused = await client.ask("GET", path, headers={"Accept": f"{DOCKER_MANIFEST}, {OCI_MANIFEST}"})
    assert code(refused) == (404, "MANIFEST_UNKNOWN")
    assert "process image" in refused.text
    for accepted in ("*/*", PROCESS_IMAGE):
        assert (await client.ask("GET", path, headers={"Accept": accepted})).json() == manifest


async def test_a_registrys_size_counts_a_shared_layer_once(hub, client):
    await client.push("chat/ui", "1", b"x" * 1000, b"y" * 10)
    await client.push("chat/ui", "2", b"x" * 1000)
    await client.push("db", "1", b"x" * 1000)
    assert hub.images.size("chatreg.azurecr.io") == 1010 + len(json.dumps({"architecture": "amd64", "os": "linux"}))
    assert hub.images.size("other.azurecr.io") == 0
