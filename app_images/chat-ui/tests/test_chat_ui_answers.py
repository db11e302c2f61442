"""Asking through the page: what is stored when, what streams, and what happens when something breaks half-way."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
from chat_ui_browser import STREAM, Browser, text_of
from chat_ui_gate import Gate
from db_api_stack import DB_API, Postgres, Service

QUESTION = "What is this app?"


def names(events: list[tuple[str, dict[str, str]]]) -> list[str]:
    """The kinds of the events, each run of tokens once."""
    kinds = [name for name, _ in events]
    return [kind for place, kind in enumerate(kinds) if place == 0 or kinds[place - 1] != kind]


def test_the_answer_streams_and_is_stored(browser: Browser) -> None:
    events = browser.ask(QUESTION)
    assert names(events) == ["question", "state", "token", "done"]
    assert events[-1][1] == {"state": "complete", "text": ""}
    assert len([name for name, _ in events if name == "token"]) > 1
    answer = text_of(events)
    assert answer in browser.page()
    assert QUESTION in browser.page()
    assert f"<title>{QUESTION} · Chat</title>" in browser.page()


def test_the_question_is_stored_before_the_answer_begins(browser: Browser, gate: Gate) -> None:
    gate.hold()
    with browser.asking(QUESTION) as events:
        assert next(events)[0] == "question"
        page = browser.page()
        assert QUESTION in page
        assert 'data-status="writing"' in page
        gate.release()
        assert list(events)[-1][1]["state"] == "complete"


def test_words_arrive_while_the_model_still_writes(browser: Browser, gate: Gate) -> None:
    gate.hold()
    with browser.asking(QUESTION) as events:
        kinds = [next(events)[0]]
        while kinds[-1] != "token":
            kinds.append(next(events)[0])
        assert kinds[0] == "question"
        assert gate.held.wait(120)  # the word comes through the gate just before it says so
        gate.release()
        assert [name for name, _ in events][-1] == "done"


def test_a_form_post_without_script_gets_a_page_with_the_answer(browser: Browser) -> None:
    reply = browser.http.post(f"{browser.path}/messages?new=1", data={"message": QUESTION}, follow_redirects=True)
    assert [r.status_code for r in (*reply.history, reply)] == [303, 200]
    assert reply.url.path == browser.path
    assert 'data-status="complete"' in reply.text
    assert browser.ask("Tell me a joke")[-1][1]["state"] == "complete"


def test_the_model_sees_what_was_said_before(browser: Browser) -> None:
    browser.ask("My name is Anna")
    assert "Anna" in text_of(browser.ask("What is my name?"))


def test_a_message_sent_twice_is_asked_once(browser: Browser, gate: Gate) -> None:
    message_id = str(uuid.uuid4())
    first = browser.ask(QUESTION, message_id)
    second = browser.ask(QUESTION, message_id)
    assert text_of(second) == text_of(first)
    assert gate.requests == 1
    assert browser.page().count('class="question"') == 2  # one turn, and the template for the next


def test_the_answer_is_stored_when_the_browser_goes_away(browser: Browser, gate: Gate) -> None:
    gate.hold()
    message_id = str(uuid.uuid4())
    with browser.asking(QUESTION, message_id) as events:
        while next(events)[0] != "token":
            pass
    gate.release()
    again = browser.ask(QUESTION, message_id)
    assert again[-1][1]["state"] == "complete"
    assert gate.requests == 1
    assert text_of(again) in browser.page()


def test_a_broken_stream_keeps_what_came_and_can_be_tried_again(browser: Browser, gate: Gate) -> None:
    gate.hold()
    message_id = str(uuid.uuid4())
    with browser.asking(QUESTION, message_id) as events:
        next(events)
        gate.held.wait()
        gate.cut()
        rest = list(events)
    assert text_of(rest) == "This"
    assert rest[-1][1]["state"] == "incomplete"
    assert "broke" in rest[-1][1]["text"]
    page = browser.page()
    assert 'data-status="cut off"' in page
    assert "<p>This</p>" in page
    gate.reset()
    with browser.asking("", message_id, to="answers") as events:
        assert list(events)[-1][1]["state"] == "complete"
    assert "cut off" not in browser.page()
    assert "<p>This</p>" not in browser.page()


def test_a_model_that_is_away_is_waited_for(browser: Browser, gate: Gate) -> None:
    gate.away_for = 3
    events = browser.ask(QUESTION)
    assert ("state", {"state": "away", "text": "The model is starting. Your question waits for it…"}) in events
    assert events[-1][1]["state"] == "complete"


def test_stopping_keeps_what_there_is(browser: Browser, gate: Gate) -> None:
    gate.hold()
    with browser.asking(QUESTION) as events:
        answer = next(events)[1]["answer_id"]
        gate.held.wait()
        while next(events)[0] != "token":
            pass
        assert browser.http.post(f"{browser.path}/stop", data={"answer": answer}, headers=STREAM).status_code == 204
        assert list(events)[-1] == ("done", {"state": "stopped", "text": "You stopped this answer."})
    assert 'data-status="stopped"' in browser.page()


def test_an_answer_can_be_stopped_and_seen_from_another_replica(
    browser: Browser, gate: Gate, start_chat_ui: type[Service]
) -> None:
    other = start_chat_ui()
    gate.hold()
    with browser.asking(QUESTION) as events:
        answer = next(events)[1]["answer_id"]
        gate.held.wait()
        there = {"cookies": dict(browser.http.cookies), "trust_env": False, "timeout": 120}
        assert 'data-status="writing"' in httpx.get(f"{other.url}{browser.path}", **there).text
        httpx.post(f"{other.url}{browser.path}/stop", data={"answer": answer}, **there)
        assert list(events)[-1][1]["state"] == "stopped"


def test_sigterm_lets_a_running_stream_end(gate: Gate, start_chat_ui: type[Service]) -> None:
    replica = start_chat_ui()
    browser = Browser(replica.url)
    gate.hold()
    with browser.asking(QUESTION) as events:
        gate.held.wait()
        replica.process.terminate()
        replica.wait_for_line("Shutting down")
        gate.release()
        assert list(events)[-1] == ("done", {"state": "complete", "text": ""})
    assert replica.terminate() == 0


def test_sigterm_lets_an_answer_without_reader_end(
    browser: Browser, gate: Gate, start_chat_ui: type[Service], chat_ui: Service
) -> None:
    replica = start_chat_ui()
    leaving = Browser(replica.url)
    gate.hold()
    with leaving.asking(QUESTION):
        gate.held.wait()
    replica.process.terminate()
    replica.wait_for_line("Waiting for application shutdown")
    gate.release()
    assert replica.terminate() == 0
    page = httpx.get(
        f"{chat_ui.url}{leaving.path}", cookies=dict(leaving.http.cookies), trust_env=False, timeout=120
    ).text
    assert 'data-status="complete"' in page


def test_thirty_people_at_once_all_get_their_answer(chat_ui: Service, gate: Gate) -> None:
    def visit(_: int) -> str:
        browser = Browser(chat_ui.url)
        assert browser.http.get("/").status_code == 200
        return browser.ask(QUESTION)[-1][1]["state"]

    with ThreadPoolExecutor(30) as pool:
        assert list(pool.map(visit, range(30))) == ["complete"] * 30


def test_a_kill_of_the_database_server_is_not_seen(gate: Gate, start_chat_ui: type[Service]) -> None:
    postgres = Postgres()
    postgres.create_database("chat")
    db_api = Service(DB_API, "db_api", postgres.environ("chat"))
    try:
        browser = Browser(start_chat_ui(DB_API_URL=db_api.url).url)
        gate.hold()
        with browser.asking(QUESTION) as events:
            gate.held.wait()
            postgres.kill()
            gate.release()
            postgres.start()
            assert list(events)[-1] == ("done", {"state": "complete", "text": ""})
        postgres.kill()
        with ThreadPoolExecutor(1) as pool:
            asking = pool.submit(browser.ask, "Tell me a joke")
            postgres.start()
            assert asking.result()[-1] == ("done", {"state": "complete", "text": ""})
        assert browser.page().count('data-status="complete"') == 2
    finally:
        db_api.terminate()
        postgres.stop()
