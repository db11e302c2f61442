"""Who gets in: challenges, tokens per repository and action, roles, and the two ways to spell an address."""

import base64

import pytest

from chatops.localcloud.data.registry.access import REFRESH_USER

from .conftest import ACTIONS, code, sha

pytestmark = pytest.mark.anyio
LOOPBACK = "127.0.0.1:8443"


async def test_without_a_token_the_answer_says_where_to_get_one(hub, client):
    ping = await client.http.get("/v2/")
    assert code(ping) == (401, "UNAUTHORIZED")
    realm = 'Bearer realm="https://chatreg.azurecr.io/oauth2/token",service="chatreg.azurecr.io"'
    assert ping.headers["WWW-Authenticate"] == realm
    pull = await client.http.get("/v2/chat/ui/manifests/1", headers={"Authorization": "Bearer forged"})
    assert code(pull) == (401, "UNAUTHORIZED")
    assert pull.headers["WWW-Authenticate"] == realm + ',scope="repository:chat/ui:pull"'


async def test_a_token_is_for_the_repositories_and_actions_that_it_names(client):
    await client.push("chat/ui", "1", b"layer")
    await client.sign_in("repository:chat/ui:pull")
    assert (await client.http.get("/v2/chat/ui/manifests/1")).status_code == 200
    others = [("POST", "/v2/chat/ui/blobs/uploads/"), ("GET", "/v2/db/tags/list"), ("GET", "/v2/_catalog")]
    for method, path in others:
        refused = await client.http.request(method, path)
        assert code(refused) == (401, "UNAUTHORIZED")
        assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]
    await client.sign_in("")
    assert (await client.http.get("/v2/")).status_code == 200


async def test_roles_decide_what_a_token_may_be_for(hub, client):
    digest = await client.push("chat/ui", "1", b"layer")
    puller = hub.client(principal="puller")
    assert (await puller.ask("GET", "/v2/chat/ui/manifests/1")).status_code == 200
    for method, path in (
        ("POST", "/v2/chat/ui/blobs/uploads/"),
        ("PUT", "/v2/chat/ui/manifests/2"),
        ("DELETE", f"/v2/chat/ui/manifests/{digest}"),
        ("DELETE", f"/v2/chat/ui/blobs/{sha(b'layer')}"),
    ):
        assert code(await puller.ask(method, path)) == (403, "DENIED")
    stranger = hub.client(principal="stranger")
    assert code(await stranger.ask("GET", "/v2/chat/ui/manifests/1")) == (403, "DENIED")


async def test_a_role_that_was_taken_away_ends_what_a_token_could_do(hub, client):
    await client.push("chat/ui", "1", b"layer")
    hub.roles["operator", "chatreg.azurecr.io"] = {ACTIONS["pull"]}
    assert code(await client.ask("POST", "/v2/chat/ui/blobs/uploads/")) == (403, "DENIED")
    assert (await client.ask("GET", "/v2/chat/ui/manifests/1")).status_code == 200


async def test_tokens_are_good_where_they_were_issued(hub, client):
    await client.sign_in("repository:chat/ui:pull")
    other = hub.client("other.azurecr.io")
    other.http.headers["Authorization"] = client.http.headers["Authorization"]
    assert (await other.http.get("/v2/")).status_code == 401
    form = {"grant_type": "refresh_token", "refresh_token": client.refresh, "scope": ""}
    assert code(await other.http.post("/oauth2/token", data=form)) == (401, "UNAUTHORIZED")


async def test_azures_token_is_traded_for_the_registrys(hub, client):
    for audience in ("https://management.azure.com", "https://containerregistry.azure.net", hub.audience):
        form = {"grant_type": "access_token", "access_token": hub.tokens.issue("operator", audience)}
        client.refresh = (await client.http.post("/oauth2/exchange", data=form)).json()["refresh_token"]
        await client.push("chat/ui", "1", b"layer")
    form["access_token"] = hub.tokens.issue("operator", "https://vault.azure.net")
    assert code(await client.http.post("/oauth2/exchange", data=form)) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("host", ["chatreg.azurecr.io", LOOPBACK])
async def test_docker_signs_in_with_basic_credentials(hub, client, host):
    at = hub.client(host)
    for user, password, status in (
        (REFRESH_USER, client.refresh, 200),
        ("chatreg", "right", 200),
        ("chatreg", "wrong", 401),
        (REFRESH_USER, "wrong", 401),
        ("", "", 401),
    ):
        basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        query = {"service": host, "offline_token": "true", "account": user}
        answer = await at.http.get("/oauth2/token", params=query, headers={"Authorization": f"Basic {basic}"})
        assert answer.status_code == status
        form = {"grant_type": "password", "username": user, "password": password}
        assert (await at.http.post("/oauth2/token", data=form)).status_code == status
        if status == 200:
            at.refresh = answer.json()["refresh_token"]
            assert (await at.ask("GET", "/v2/chatreg/none/tags/list")).status_code == 404
    for header in ("Basic !!", "Basic", ""):
        assert (await at.http.get("/oauth2/token", headers={"Authorization": header})).status_code == 401


async def test_on_loopback_the_first_part_of_the_path_is_the_registry(hub, client):
    at = hub.client(LOOPBACK)
    digest = await at.push("chatreg/chat/ui", "1", b"layer")
    await at.push("other/web", "1", b"layer")
    found = await client.ask("GET", "/v2/chat/ui/manifests/1")
    assert found.headers["Docker-Content-Digest"] == digest
    begun = await at.ask("POST", "/v2/chatreg/chat/ui/blobs/uploads/")
    assert begun.headers["Location"].startswith("/v2/chatreg/chat/ui/blobs/uploads/")
    assert (await at.ask("GET", "/v2/other/web/tags/list")).json() == {"name": "other/web", "tags": ["1"]}
    await at.sign_in("registry:catalog:*")
    assert (await at.http.get("/v2/_catalog")).json()["repositories"] == ["chatreg/chat/ui", "other/web"]
    puller = hub.client(LOOPBACK, "puller")
    await puller.sign_in("registry:catalog:*")
    assert (await puller.http.get("/v2/_catalog")).json()["repositories"] == ["chatreg/chat/ui"]
    assert code(await at.ask("GET", "/v2/nosuch/web/tags/list")) == (403, "DENIED")


async def test_what_no_route_takes_is_answered_in_the_same_envelope(client):
    await client.sign_in("")
    assert code(await client.http.get("/v2/chat/ui/nothing")) == (404, "UNSUPPORTED")
    assert code(await client.http.put("/v2/")) == (405, "UNSUPPORTED")
