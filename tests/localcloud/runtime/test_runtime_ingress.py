"""The ingress: routing, streaming, holding, retrying, and the proxy that replicas call each other through."""

import asyncio
import json
import os
import signal
import ssl
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
import httpx
import pytest

from chatops.localcloud.certificates import Certificates
from chatops.localcloud.clock import wall
from chatops.localcloud.runtime.local import LocalRuntime
from chatops.localcloud.runtime.ports import free_port
from chatops.localcloud.runtime.spec import Scale

pytestmark = pytest.mark.anyio


async def test_routes_by_fqdn_localhost_name_and_machine_name(world):
    spec = await world.put()
    for host in (spec.fqdn, spec.fqdn.upper(), "web.localhost:8400", "localhost", "127.0.0.1"):
        answer = await world.http.get("/a%2Fb/../c?x=1&y=%20", headers={"Host": host, "X-Forwarded-Proto": "https"})
        seen = answer.json()
        assert seen["headers"]["Host"] == host
        assert seen["headers"]["X-Forwarded-Proto"] == "http"
        assert seen["headers"]["X-Forwarded-Host"] == host
        assert seen["headers"]["X-Forwarded-For"] == "127.0.0.1"
        assert len(seen["headers"]["X-Request-Id"]) == 36


async def test_path_and_query_arrive_as_they_were_sent(world):
    await world.put()
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(world.runtime.ingress_url).port)
    writer.write(b"GET /a%2fb//c/../d?q=%41+|&r HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert b'"path": "/a%2fb//c/../d?q=%41+|&r"' in await reader.read()
    writer.close()


async def test_unknown_and_ambiguous_hosts_get_a_page_that_lists_the_apps(world):
    nothing = await world.http.get("/")
    assert (nothing.status_code, "No external app is running" in nothing.text) == (404, True)
    await world.put()
    await world.put("other")
    await world.put("inner", external=False)
    for host in ("127.0.0.1", "<script>.example", "inner.localhost"):
        page = await world.http.get("/", headers={"Host": host})
        assert page.status_code == 404
        assert "http://web.localhost:" in page.text
        assert "http://other.localhost:" in page.text
        assert "http://inner.localhost" not in page.text
        assert "<script>" not in page.text
    inner = world.spec("inner", external=False)
    assert (await world.http.get("/", headers={"Host": inner.fqdn})).status_code == 404


async def test_answer_chunks_arrive_as_they_are_sent(world):
    await world.put()
    async with world.http.stream("GET", "/stream?key=a") as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == "first"
        await world.http.get("/release?key=a")
        assert await anext(lines) == "second"


async def test_request_chunks_arrive_as_they_are_sent(world):
    await world.put()
    echoed = asyncio.Event()
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(world.runtime.ingress_url).port)
    writer.write(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
    await reader.readuntil(b"one")
    echoed.set()
    writer.write(b"3\r\ntwo\r\n0\r\n\r\n")
    await reader.readuntil(b"two")
    assert echoed.is_set()
    writer.close()


async def test_large_bodies_and_expect_continue_pass(world):
    await world.put()
    body = "x" * 300_000
    answer = await world.http.post("/echo", content=body)
    assert answer.json() == body
    expected = await world.http.post("/echo", content="small", headers={"Expect": "100-continue"})
    assert expected.json() == "small"


async def test_client_that_leaves_ends_the_request_at_the_replica(world):
    spec = await world.put()
    async with world.http.stream("GET", "/watch") as stream:
        assert await anext(stream.aiter_lines()) == "watching"
    await world.logged(spec, "the reader is gone")
    assert world.runtime.app_status(spec.id).in_flight == 0


async def test_torn_answer_is_not_passed_off_as_whole(world):
    await world.put()
    with pytest.raises(httpx.RemoteProtocolError):
        await world.http.get("/tear")


async def test_requests_go_to_the_replica_with_the_fewest_in_flight(world):
    spec = await world.put(scale=Scale(minimum=2, maximum=2))
    held = [asyncio.create_task(world.http.get(f"/hold?key={key}")) for key in "ab"]
    await world.logged(spec, "holding", count=2)
    pids = {replica.pid for replica in world.runtime.app_status(spec.id).replicas}
    assert world.runtime.app_status(spec.id).in_flight == 2
    for pid in pids:
        os.kill(pid, signal.SIGUSR1)
    assert [(await task).status_code for task in held] == [200, 200]
    for replica in world.runtime.app_status(spec.id).replicas:
        lines = [line async for line in world.runtime.logs(spec.id, replica.name, 100, False)]
        assert sum(b"holding" in line for line in lines) == 1


async def test_request_to_a_dying_replica_goes_to_another(world):
    spec = await world.put(scale=Scale(minimum=2, maximum=2))
    victims = [replica.pid for replica in world.runtime.app_status(spec.id).replicas]
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    answers = await asyncio.gather(*(world.http.get("/") for _ in range(10)))
    await world.until(spec, lambda status: all(one.restarts and one.ready for one in status.replicas))
    answers += await asyncio.gather(*(world.http.post("/echo", content="hello") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}


async def test_request_that_kills_replicas_is_not_tried_for_ever(world):
    spec = await world.put()
    assert (await world.http.get("/die")).status_code == 502
    await world.until(spec, lambda status: status.replicas[0].restarts == 2 and status.replicas[0].ready)


async def test_post_that_may_have_been_carried_out_is_not_sent_twice(world):
    await world.put()
    lost = await world.http.post("/die", content="once")
    assert lost.status_code == 502
    assert "before it answered" in lost.text


@asynccontextmanager
async def websocket(world, path="/echo", **more):
    async with aiohttp.ClientSession() as session, session.ws_connect(world.runtime.ingress_url + path, **more) as one:
        yield one


async def test_websockets_carry_messages_both_ways(world):
    spec = await world.put()
    async with websocket(world, "/echo?protocol=chat", protocols=("other", "chat"), autoping=False) as socket:
        assert socket.protocol == "chat"
        await socket.send_str("text")
        await socket.send_bytes(b"\0\1")
        await socket.ping(b"there?")
        seen = [await socket.receive(120) for _ in range(3)]
        kinds = (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.PING)
        assert [(one.type, one.data) for one in seen] == list(zip(kinds, ("text", b"\0\1", b"there?"), strict=True))
        assert world.runtime.app_status(spec.id).in_flight == 1
        await socket.send_str("close 4001")
        assert (await socket.receive(120)).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 4001


async def test_a_websocket_ends_with_its_replica(world):
    await world.put()
    async with websocket(world) as socket:
        await socket.send_str("die")
        await socket.receive(120)
        assert socket.close_code == aiohttp.WSCloseCode.GOING_AWAY


async def test_over_tls_apps_see_https_and_websockets_work(world, tmp_path):
    spec = await world.put()
    authority = Certificates(tmp_path)
    authority.ensure()
    domain = spec.fqdn.partition(".")[2]
    world.runtime.put_certificate(spec.environment, authority.issue([f"*.{domain}"], wall() + timedelta(days=1)))
    trust = ssl.create_default_context(cafile=str(authority.authority))
    url, more = (
        world.runtime.ingress_tls_url,
        {"ssl": trust, "server_hostname": spec.fqdn, "headers": {"Host": spec.fqdn}},
    )
    async with aiohttp.ClientSession() as session:
        async with session.get(url + "/seen", **more) as answer:
            seen = await answer.json(content_type=None)
        assert (seen["path"], seen["headers"]["X-Forwarded-Proto"]) == ("/seen", "https")
        async with session.ws_connect(url + "/echo", **more) as socket:
            await socket.send_str("over TLS")
            assert await socket.receive_str() == "over TLS"


async def test_an_app_without_that_websocket_says_so(world):
    await world.put()
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with websocket(world, "/no-such"):
            pass
    assert caught.value.status == 200


async def test_deleted_app_with_a_request_waiting_says_so(world):
    spec = await world.put()
    await world.http.get("/set?probe=ready&status=503")
    await world.until(spec, lambda status: not status.replicas[0].ready)
    held = world.runtime._routes.apps[spec.id]
    waiting = asyncio.create_task(world.http.get("/"))
    async with asyncio.timeout(120):
        while held.in_flight == 0:
            await asyncio.sleep(0)
    await world.runtime.delete_app(spec.id)
    assert (await waiting).status_code == 503


async def fetch(world, url, **headers):
    return (await world.http.get("/fetch", params={"url": url}, headers=headers)).json()


async def test_replicas_reach_apps_of_their_environment_by_name_and_fqdn(world):
    await world.put()
    inner = await world.put("inner", external=False)
    for url in ("http://inner/env", f"http://{inner.fqdn}/env", "http://INNER:80/env"):
        status, body = await fetch(world, url)
        assert status == 200
        assert '"CONTAINER_APP_NAME": "inner"' in body


async def test_replicas_reach_no_app_of_another_environment(world):
    await world.put()
    other = await world.put("inner", external=False, environment="/other/environment")
    for url in ("http://inner/", f"http://{other.fqdn}/", "http://no-such-app/"):
        status, body = await fetch(world, url)
        assert status == 502
        assert "no app in this environment answers" in body


async def test_replicas_reach_the_outside_over_plain_http(world):
    async def answer(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + head)
        writer.close()

    outside = await asyncio.start_server(answer, "127.0.0.2", 0)
    host, port = outside.sockets[0].getsockname()
    await world.put()
    status, head = await fetch(world, f"http://{host}:{port}/path?x=1")
    assert (status, head.splitlines()[0]) == (200, "GET /path?x=1 HTTP/1.1")
    assert "proxy" not in head.lower()
    assert "forwarded" not in head.lower()
    outside.close()


@pytest.mark.parametrize("credentials", ["", "env:wrong@", "wrong@", "env:%C3%A9@"])
async def test_proxy_without_the_environments_token_answers_407(world, credentials):
    await world.put("inner", external=False)
    url = httpx.URL(world.runtime._ingress.proxy_url(world.spec().environment))
    proxy = f"http://{credentials}127.0.0.1:{url.port}"
    async with httpx.AsyncClient(proxy=proxy, timeout=120) as client:
        answer = await client.get("http://inner/")
    assert answer.status_code == 407
    assert answer.headers["Proxy-Authenticate"].startswith("Basic")


async def test_proxy_refuses_connect(world):
    proxy = world.runtime._ingress.proxy_url(world.spec().environment)
    async with httpx.AsyncClient(proxy=proxy, timeout=120) as client:
        with pytest.raises(httpx.ProxyError, match="405"):
            await client.get("https://inner/")


async def test_ports_stay_the_same_and_a_taken_one_is_replaced(tmp_path, venv_cache):
    """The first remembers ports that no other local cloud on this machine is after while it is down."""
    ports = {name: free_port() for name in ("external", "tls")}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ingress.json").write_text(json.dumps(ports))
    first, second = (LocalRuntime(tmp_path / name, venv_cache, tmp_path / "logs") for name in ("one", "two"))
    await first.start()
    await second.start()
    urls = [(runtime.ingress_url, runtime.ingress_tls_url) for runtime in (first, second)]
    assert urls[0] == (f"http://127.0.0.1:{ports['external']}", f"https://127.0.0.1:{ports['tls']}")
    assert len({url for pair in urls for url in pair}) == 4
    await first.stop()
    again = LocalRuntime(tmp_path / "one", venv_cache, tmp_path / "logs")
    await again.start()
    assert (again.ingress_url, again.ingress_tls_url) == urls[0]
    for runtime in (again, second):
        await runtime.stop()
