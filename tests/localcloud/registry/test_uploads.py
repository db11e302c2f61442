"""Blobs on their way in and out: at once, in pieces, mounted, in part, and everything that is refused."""

import os
import time

import pytest

from chatops.localcloud.data.blobs import IDLE_SECONDS, UNNAMED_SECONDS
from chatops.localcloud.data.images import Reference

from .conftest import code, sha

pytestmark = pytest.mark.anyio
CONTENT = b"0123456789" * 1000


def files(hub):
    folder = hub.images.incoming.parent
    return {name: sorted(path.name for path in (folder / name).iterdir()) for name in ("blobs", "uploads")}


async def test_a_blob_comes_in_pieces_and_is_read_whole_and_in_part(hub, client):
    begun = await client.ask("POST", "/v2/chat/ui/blobs/uploads/")
    assert (begun.status_code, begun.headers["Range"]) == (202, "0-0")
    place = begun.headers["Location"]
    first = await client.ask("PATCH", place, content=CONTENT[:4000], headers={"Content-Range": "0-3999"})
    assert (first.status_code, first.headers["Range"]) == (202, "0-3999")
    status = await client.ask("GET", place)
    assert (status.status_code, status.headers["Range"]) == (204, "0-3999")
    await client.ask("PATCH", first.headers["Location"], content=CONTENT[4000:9000])
    done = await client.ask("PUT", f"{place}?digest={sha(CONTENT)}", content=CONTENT[9000:])
    assert (done.status_code, done.headers["Location"]) == (201, f"/v2/chat/ui/blobs/{sha(CONTENT)}")
    head = await client.ask("HEAD", done.headers["Location"])
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, "10000", b"")
    assert (await client.ask("GET", done.headers["Location"])).content == CONTENT
    part = await client.ask("GET", done.headers["Location"], headers={"Range": "bytes=9990-"})
    assert (part.status_code, part.content) == (206, b"0123456789")
    assert part.headers["Content-Range"] == "bytes 9990-9999/10000"
    past = await client.ask("GET", done.headers["Location"], headers={"Range": "bytes=10000-"})
    assert past.status_code == 416
    assert files(hub) == {"blobs": [sha(CONTENT)[7:]], "uploads": []}


async def test_a_piece_that_does_not_go_on_where_the_last_ended_is_refused(hub, client):
    place = (await client.ask("POST", "/v2/chat/ui/blobs/uploads/")).headers["Location"]
    await client.ask("PATCH", place, content=CONTENT[:10], headers={"Content-Range": "0-9"})
    for sent in ("0-9", "11-20", "nonsense"):
        refused = await client.ask("PATCH", place, content=CONTENT[:10], headers={"Content-Range": sent})
        assert code(refused) == (416, "RANGE_INVALID")
        assert refused.headers["Range"] == "0-9"
    short = await client.ask("PATCH", place, content=b"123", headers={"Content-Range": "10-19"})
    assert code(short) == (400, "SIZE_INVALID")
    done = await client.ask("PUT", f"{place}?digest={sha(CONTENT)}", content=CONTENT[10:])
    assert done.status_code == 201


async def test_what_is_not_its_digest_is_refused_and_leaves_nothing(hub, client):
    damaged = await client.ask("POST", f"/v2/chat/ui/blobs/uploads/?digest={sha(CONTENT)}", content=CONTENT[1:])
    assert code(damaged) == (400, "DIGEST_INVALID")
    place = (await client.ask("POST", "/v2/chat/ui/blobs/uploads/")).headers["Location"]
    wrong = await client.ask("PUT", f"{place}?digest={sha(b'other')}", content=CONTENT)
    assert code(wrong) == (400, "DIGEST_INVALID")
    assert code(await client.ask("GET", place)) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert code(await client.ask("GET", f"/v2/chat/ui/blobs/{sha(CONTENT)}")) == (404, "BLOB_UNKNOWN")
    assert files(hub) == {"blobs": [], "uploads": []}


@pytest.mark.parametrize("digest", ["", "sha256:12", "md5:" + "0" * 32, "sha256:" + "Z" * 64, "sha256:../../../etc"])
async def test_only_sha256_is_a_digest(client, digest):
    place = (await client.ask("POST", "/v2/chat/ui/blobs/uploads/")).headers["Location"]
    assert code(await client.ask("PUT", f"{place}?digest={digest}", content=CONTENT)) == (400, "DIGEST_INVALID")
    assert (await client.ask("GET", place)).status_code == 204


async def test_a_cancelled_upload_is_gone(hub, client):
    place = (await client.ask("POST", "/v2/chat/ui/blobs/uploads/")).headers["Location"]
    await client.ask("PATCH", place, content=CONTENT)
    assert (await client.ask("DELETE", place)).status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        assert code(await client.ask(method, place)) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert files(hub)["uploads"] == []


async def test_an_upload_ends_with_its_registry(hub, client):
    place = (await client.ask("POST", "/v2/chat/ui/blobs/uploads/")).headers["Location"]

    async def content():
        yield b"x" * (3 << 20)
        hub.images.delete_registry("chatreg.azurecr.io")
        yield b"x" * (3 << 20)

    assert code(await client.ask("PATCH", place, content=content())) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert files(hub) == {"blobs": [], "uploads": []}


async def test_an_upload_belongs_to_its_repository(client):
    place = (await client.ask("POST", "/v2/chat/ui/blobs/uploads/")).headers["Location"]
    elsewhere = place.replace("chat/ui", "db")
    assert code(await client.ask("PATCH", elsewhere, content=CONTENT)) == (404, "BLOB_UPLOAD_UNKNOWN")


async def test_a_blob_is_seen_only_where_it_was_pushed_and_mounted_without_being_sent(hub, client):
    await client.push_blob("chat/ui", CONTENT)
    blob = f"/blobs/{sha(CONTENT)}"
    assert code(await client.ask("GET", "/v2/db" + blob)) == (404, "BLOB_UNKNOWN")
    scope = "repository:db:pull,push repository:chat/ui:pull"
    await client.sign_in(scope)
    mounted = await client.http.post(f"/v2/db/blobs/uploads/?mount={sha(CONTENT)}&from=chat/ui")
    assert (mounted.status_code, mounted.headers["Location"]) == (201, "/v2/db" + blob)
    assert (await client.http.get("/v2/db" + blob)).content == CONTENT
    assert files(hub) == {"blobs": [sha(CONTENT)[7:]], "uploads": []}


async def test_a_mount_that_is_not_allowed_or_not_there_becomes_an_upload(client):
    await client.push_blob("chat/ui", CONTENT)
    await client.sign_in("repository:db:pull,push")
    for query in (f"mount={sha(CONTENT)}&from=chat/ui", f"mount={sha(CONTENT)}", f"mount={sha(b'')}&from=db"):
        answer = await client.http.post(f"/v2/db/blobs/uploads/?{query}")
        assert answer.status_code == 202, query
        assert "/blobs/uploads/" in answer.headers["Location"]


async def test_the_same_blob_pushed_twice_at_once_and_to_two_registries_is_kept_once(hub, client):
    places = [(await client.ask("POST", "/v2/chat/ui/blobs/uploads/")).headers["Location"] for _ in range(2)]
    for place in places:
        await client.ask("PATCH", place, content=CONTENT)
    for place in places:
        assert (await client.ask("PUT", f"{place}?digest={sha(CONTENT)}")).status_code == 201
    await hub.client("other.azurecr.io").push_blob("web", CONTENT)
    assert files(hub) == {"blobs": [sha(CONTENT)[7:]], "uploads": []}
    hub.images.delete_registry("chatreg.azurecr.io")
    hub.images.sweep(set())
    assert (await hub.client("other.azurecr.io").ask("GET", f"/v2/web/blobs/{sha(CONTENT)}")).content == CONTENT


async def test_a_blob_of_an_image_is_not_deleted_another_is(client):
    await client.push("chat/ui", "1", CONTENT)
    await client.push_blob("chat/ui", b"loose")
    assert code(await client.ask("DELETE", f"/v2/chat/ui/blobs/{sha(CONTENT)}")) == (405, "UNSUPPORTED")
    assert (await client.ask("DELETE", f"/v2/chat/ui/blobs/{sha(b'loose')}")).status_code == 202
    assert (await client.ask("HEAD", f"/v2/chat/ui/blobs/{sha(b'loose')}")).status_code == 404


async def test_a_deleted_image_leaves_the_disk_but_for_what_a_replica_runs_from(hub, client):
    digest = await client.push("chat/ui", "1", CONTENT)
    other = await client.push("chat/ui", "2", CONTENT, b"another layer")
    hub.running.add(digest)
    for gone in (digest, other):
        assert (await client.ask("DELETE", f"/v2/chat/ui/manifests/{gone}")).status_code == 202
    kept = [hub.images.manifest(digest)["config"], *hub.images.manifest(digest)["layers"]]
    assert files(hub)["blobs"] == sorted(blob["digest"][7:] for blob in kept)
    hub.images.sweep(set())
    assert files(hub)["blobs"] == []
    assert hub.images.content(digest) is None


async def test_what_a_push_has_sent_or_asked_for_is_kept_until_it_is_named_or_a_day_old(hub, client):
    """An interrupted push goes on with what is there; a layer that was said to be there waits for its image."""
    digest = await client.push("chat/ui", "1", CONTENT)
    sent = await client.push_blob("chat/ui", b"sent before the engine was killed")
    assert (await client.ask("HEAD", f"/v2/chat/ui/blobs/{sha(CONTENT)}")).status_code == 200
    await client.ask("DELETE", f"/v2/chat/ui/manifests/{digest}")
    assert files(hub)["blobs"] == sorted([sha(CONTENT)[7:], sent["digest"][7:]])
    for link in hub.images.incoming.parent.glob("links/*/*/*"):
        os.utime(link, (0, time.time() - UNNAMED_SECONDS - 60))
    hub.images.sweep(set())
    assert files(hub)["blobs"] == []


async def test_idle_uploads_are_dropped(hub, client):
    places = [(await client.ask("POST", "/v2/chat/ui/blobs/uploads/")).headers["Location"] for _ in range(2)]
    hub.images.blobs.upload(places[0].rsplit("/", 1)[1], "chatreg.azurecr.io", "chat/ui").touched -= IDLE_SECONDS + 1
    hub.images.blobs.drop_idle()
    assert [(await client.ask("GET", place)).status_code for place in places] == [404, 204]


async def test_uploads_do_not_outlive_their_daemon_and_blobs_do(hub, client, tmp_path):
    await client.push_blob("chat/ui", CONTENT)
    place = (await client.ask("POST", "/v2/chat/ui/blobs/uploads/")).headers["Location"]
    await client.ask("PATCH", place, content=b"half")
    again = type(hub)(tmp_path)
    assert files(again) == {"blobs": [sha(CONTENT)[7:]], "uploads": []}
    assert again.images.blobs.find(Reference("chatreg.azurecr.io", "chat/ui", sha(CONTENT)))
