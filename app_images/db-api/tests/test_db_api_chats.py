"""Chats and messages over real HTTP and a real PostgreSQL: scoping, idempotence, order, limits, errors."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from db_api_stack import PASSWORD, Service


def new_chat(client: httpx.Client, title: str = "A chat") -> str:
    chat_id = str(uuid.uuid4())
    assert client.post("/chats", json={"id": chat_id, "title": title}).status_code == 201
    return chat_id


def message(content: str = "hello", role: str = "user", **fields: str) -> dict[str, str]:
    return {"id": str(uuid.uuid4()), "role": role, "content": content} | fields


def contents(client: httpx.Client, chat_id: str) -> list[tuple[str, str]]:
    return [(m["content"], m["state"]) for m in client.get(f"/chats/{chat_id}").json()["messages"]]


def test_messages_come_back_in_the_order_they_were_written(client: httpx.Client) -> None:
    chat_id = new_chat(client)
    for number in range(5):
        role = "assistant" if number % 2 else "user"
        assert client.post(f"/chats/{chat_id}/messages", json=message(f"{number}", role)).status_code == 201
    chat = client.get(f"/chats/{chat_id}").json()
    assert [m["content"] for m in chat["messages"]] == ["0", "1", "2", "3", "4"]
    assert [m["role"] for m in chat["messages"]] == ["user", "assistant", "user", "assistant", "user"]


def test_the_chat_written_to_last_is_listed_first(client: httpx.Client) -> None:
    first, second = new_chat(client, "first"), new_chat(client, "second")
    assert [c["id"] for c in client.get("/chats").json()["chats"]] == [second, first]
    client.post(f"/chats/{first}/messages", json=message())
    assert [c["title"] for c in client.get("/chats").json()["chats"]] == ["first", "second"]


def test_another_session_sees_and_changes_nothing(client: httpx.Client) -> None:
    chat_id = new_chat(client)
    secret = message("mine alone")
    client.post(f"/chats/{chat_id}/messages", json=secret)
    other = {"X-Session-Id": uuid.uuid4().hex}
    assert client.get("/chats", headers=other).json() == {"chats": []}
    attempts = [
        client.get(f"/chats/{chat_id}", headers=other),
        client.delete(f"/chats/{chat_id}", headers=other),
        client.post(f"/chats/{chat_id}/messages", json=message("intruder"), headers=other),
        client.post(f"/chats/{chat_id}/messages/{secret['id']}/stop", headers=other),
    ]
    assert [a.status_code for a in attempts] == [404] * 4
    assert all(a.json()["error"]["code"] == "chat_not_found" for a in attempts)
    assert contents(client, chat_id) == [("mine alone", "complete")]


def test_the_same_chat_id_in_another_session_is_another_chat(client: httpx.Client) -> None:
    chat_id = new_chat(client, "mine")
    other = {"X-Session-Id": uuid.uuid4().hex}
    assert client.post("/chats", json={"id": chat_id, "title": "theirs"}, headers=other).status_code == 201
    assert client.get(f"/chats/{chat_id}").json()["title"] == "mine"
    assert client.get(f"/chats/{chat_id}", headers=other).json()["title"] == "theirs"


def test_repeated_writes_are_not_doubled(client: httpx.Client) -> None:
    chat = {"id": str(uuid.uuid4()), "title": "once"}
    assert [client.post("/chats", json=chat).status_code for _ in range(2)] == [201, 200]
    once = message("only once")
    path = f"/chats/{chat['id']}/messages"
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: client.post(path, json=once).status_code, range(8)))
    assert sorted(statuses) == [200] * 7 + [201]
    assert contents(client, chat["id"]) == [("only once", "complete")]


def test_an_id_cannot_be_used_for_another_text(client: httpx.Client) -> None:
    chat_id = new_chat(client)
    first = message("first")
    client.post(f"/chats/{chat_id}/messages", json=first)
    answer = client.post(f"/chats/{chat_id}/messages", json=first | {"content": "second"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "message_exists")
    assert contents(client, chat_id) == [("first", "complete")]


def test_concurrent_messages_of_one_chat_all_arrive(client: httpx.Client) -> None:
    chat_id = new_chat(client)
    with ThreadPoolExecutor(12) as pool:
        posts = pool.map(lambda n: client.post(f"/chats/{chat_id}/messages", json=message(str(n))), range(40))
        assert {p.status_code for p in posts} == {201}
    assert sorted(int(text) for text, _ in contents(client, chat_id)) == list(range(40))


def test_an_answer_grows_and_then_never_changes(client: httpx.Client) -> None:
    chat_id = new_chat(client)
    answer = message("Once", "assistant", state="writing")
    path = f"/chats/{chat_id}/messages"
    client.post(path, json=answer)
    grown = answer | {"content": "Once upon a time", "state": "incomplete"}
    assert client.post(path, json=grown).json()["state"] == "incomplete"
    assert client.post(path, json=grown).status_code == 200
    assert client.post(path, json=answer).status_code == 409
    assert contents(client, chat_id) == [("Once upon a time", "incomplete")]


@pytest.mark.parametrize("already_writing", [True, False])
def test_whoever_writes_an_answer_learns_that_it_was_stopped(client: httpx.Client, already_writing: bool) -> None:
    chat_id = new_chat(client)
    answer = message("one", "assistant", state="writing")
    path = f"/chats/{chat_id}/messages"
    if already_writing:
        client.post(path, json=answer)
    assert client.post(f"{path}/{answer['id']}/stop").json()["state"] == "stopping"
    assert client.post(path, json=answer | {"content": "one two"}).json()["state"] == "stopping"
    last = answer | {"content": "one two three", "state": "stopped"}
    assert [client.post(path, json=last).status_code for _ in range(2)] == [200, 200]
    assert client.post(path, json=answer).status_code == 409
    assert contents(client, chat_id) == [("one two three", "stopped")]


def test_a_deleted_chat_is_gone(client: httpx.Client) -> None:
    chat_id = new_chat(client)
    client.post(f"/chats/{chat_id}/messages", json=message())
    assert client.delete(f"/chats/{chat_id}").status_code == 204
    assert client.get(f"/chats/{chat_id}").status_code == 404
    assert client.delete(f"/chats/{chat_id}").status_code == 404
    assert client.get("/chats").json() == {"chats": []}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"content": "x" * 100_001}, "content"),
        ({"content": "a\x00b"}, "content"),
        ({"content": None}, "content"),
        ({"role": "system"}, "role"),
        ({"id": "7"}, "id"),
        ({"state": "stopping"}, "state"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_message_that_cannot_be_stored_is_refused(client: httpx.Client, change: dict, field: str) -> None:
    chat_id = new_chat(client)
    answer = client.post(f"/chats/{chat_id}/messages", json=message() | change)
    assert answer.status_code == 422
    assert field in answer.json()["error"]["message"]
    assert contents(client, chat_id) == []


def test_a_lone_surrogate_is_refused(client: httpx.Client) -> None:
    body = f'{{"id": "{uuid.uuid4()}", "role": "user", "content": "\\ud800"}}'
    answer = client.post(f"/chats/{new_chat(client)}/messages", content=body)
    assert answer.status_code == 422


@pytest.mark.parametrize("text", ["日本語 🙂 ẞ", "'; DROP TABLE chats; --", "", " \n\t", "x" * 100_000])
def test_text_comes_back_as_it_was(client: httpx.Client, text: str) -> None:
    chat_id = new_chat(client)
    client.post(f"/chats/{chat_id}/messages", json=message(text, "assistant"))
    assert contents(client, chat_id) == [(text, "complete")]


def test_a_body_too_large_is_refused_before_it_is_read(client: httpx.Client) -> None:
    answer = client.post("/chats", content=(b"x" * 65_536 for _ in range(17)))
    assert answer.status_code == 413


@pytest.mark.parametrize("header", ["", "short", "has spaces in it", "x" * 129])
def test_a_session_id_is_required(db_api: Service, header: str) -> None:
    answer = httpx.get(f"{db_api.url}/chats", headers={"X-Session-Id": header}, trust_env=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")


def test_a_session_may_have_200_chats(client: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: new_chat(client), range(198)))
        bodies = [{"id": str(uuid.uuid4()), "title": "one more"} for _ in range(6)]
        statuses = list(pool.map(lambda body: client.post("/chats", json=body).status_code, bodies))
    assert sorted(statuses) == [201, 201, 409, 409, 409, 409]
    client.delete(f"/chats/{client.get('/chats').json()['chats'][0]['id']}")
    assert new_chat(client)


def test_a_chat_is_full_after_1000_messages(client: httpx.Client, db_api: Service) -> None:
    chat_id = new_chat(client)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.post(f"/chats/{chat_id}/messages", json=message()), range(1000)))
    answer = client.post(f"/chats/{chat_id}/messages", json=message())
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "too_many_messages")


def test_the_log_shows_requests_but_no_contents(client: httpx.Client, db_api: Service) -> None:
    chat_id = new_chat(client)
    client.post(f"/chats/{chat_id}/messages", json=message("whisper-7431"))
    client.post(f"/chats/{chat_id}/messages", json=message("whisper-7431") | {"id": "whisper-7431"})
    db_api.wait_for_line(rf"POST /chats/{chat_id}/messages 201 \d+ ms")
    db_api.wait_for_line(rf"POST /chats/{chat_id}/messages 422 \d+ ms")
    assert "whisper-7431" not in db_api.log
    assert PASSWORD not in db_api.log
    assert client.headers["X-Session-Id"] not in db_api.log
