"""The page itself: cookies, what the browser may do, whose posts are believed, what is refused and in which words."""

import re
import uuid
from pathlib import Path

import httpx
import pytest
from chat_ui_browser import STREAM, Browser
from chat_ui_gate import Gate
from db_api_stack import Service

CHAT_UI = Path(__file__).parents[1]
QUESTION = "What is this app?"


def get(service: Service, path: str = "/", **options: object) -> httpx.Response:
    return httpx.get(service.url + path, trust_env=False, timeout=120, **options)


@pytest.mark.parametrize(("proto", "secure"), [("http", False), ("https", True), ("https, http", True)])
def test_the_session_cookie_is_kept_from_scripts_and_other_sites(chat_ui: Service, proto: str, secure: bool) -> None:
    cookie = get(chat_ui, headers={"X-Forwarded-Proto": proto}).headers["Set-Cookie"]
    flags = set(cookie.split("; ")[1:])
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= flags
    assert ("Secure" in flags) == secure


def test_a_forged_cookie_begins_another_session(browser: Browser, chat_ui: Service) -> None:
    browser.ask(QUESTION)
    good = browser.http.cookies["chat_session"]
    assert get(chat_ui, browser.path, cookies={"chat_session": good}).status_code == 200
    # not the last character: two of its bits mean nothing
    for forged in (good[:-2] + ("A" if good[-2] != "A" else "B") + good[-1], "x", ""):
        assert get(chat_ui, browser.path, cookies={"chat_session": forged}).status_code == 404


def test_a_session_is_valid_at_every_replica(browser: Browser, start_chat_ui: type[Service]) -> None:
    browser.ask(QUESTION)
    other = start_chat_ui()
    assert get(other, browser.path, cookies=dict(browser.http.cookies)).status_code == 200


def test_nothing_inline_and_nothing_from_elsewhere(browser: Browser) -> None:
    browser.ask(QUESTION)
    reply = browser.http.get(browser.path)
    policy = dict(rule.split(" ", 1) for rule in reply.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert {policy["script-src"], policy["style-src"], policy["form-action"]} == {"'self'"}
    assert not re.search(r"<style|\bstyle=|\bon\w+=|<script(?! src=\"/static/)|https?://", reply.text)
    for address in set(re.findall(r'(?:src|href)="(/static/[^"]+)"', reply.text)):
        static = browser.http.get(address)
        assert static.status_code == 200
        assert "immutable" in static.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://chat.example", "Host": "chat.example"}, 303),
        ({}, 303),
    ],
)
def test_posts_of_other_sites_are_refused(browser: Browser, headers: dict[str, str], status: int) -> None:
    reply = browser.http.post(f"{browser.path}/messages?new=1", data={"message": QUESTION}, headers=headers)
    assert reply.status_code == status
    assert browser.http.get(browser.path).status_code == (404 if status == 403 else 200)


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("", "The message is empty"),
        (" \n\t\u200b\u2060 ", "The message is empty"),
        ("a\x00b", "U+0000"),
        ("a\x1b[31mb", "U+001B"),
        ("x" * 8001, "too long"),
        ("日本語 " * 200, "too long"),
    ],
)
def test_bad_messages_never_reach_the_model(browser: Browser, gate: Gate, message: str, sentence: str) -> None:
    refused = browser.refusal(message)
    assert refused.status_code == 422
    assert sentence in refused.json()["error"]
    assert gate.requests == 0
    assert browser.http.get(browser.path).status_code == 404


def test_without_script_a_refused_message_is_not_lost(browser: Browser) -> None:
    browser.ask(QUESTION)
    long = "please shorten me " * 500
    for path in (f"{browser.path}/messages", f"/chats/{uuid.uuid4()}/messages?new=1"):
        reply = browser.http.post(path, data={"message": long})
        assert reply.status_code == 422
        assert "too long" in reply.text
        assert long in reply.text


def test_a_body_too_large_is_refused(browser: Browser) -> None:
    assert browser.refusal("x" * 200_000).status_code == 413


def test_the_chats_of_another_browser_do_not_exist(browser: Browser, chat_ui: Service) -> None:
    browser.ask(QUESTION)
    stranger = Browser(chat_ui.url)
    message = {"message": "hello", "message_id": str(uuid.uuid4())}
    replies = [
        stranger.http.get(browser.path),
        stranger.http.post(f"{browser.path}/messages", data=message),
        stranger.http.post(f"{browser.path}/answers", data=message),
        stranger.http.post(f"{browser.path}/stop", data={"answer": message["message_id"]}),
        stranger.http.post(f"{browser.path}/delete"),
    ]
    assert [reply.status_code for reply in replies] == [404] * 5
    assert browser.chat not in stranger.http.get("/").text
    assert browser.chat in browser.http.get("/").text
    assert QUESTION in browser.page()


UNKNOWN = "018f6f0c-5b7e-4c55-9e0e-8d1f2a3b4c5d"


@pytest.mark.parametrize("path", ["/nothing", "/chats/7", f"/chats/{UNKNOWN}", "/static/none.css"])
def test_what_is_not_there_is_said_in_the_frame_of_the_page(browser: Browser, path: str) -> None:
    reply = browser.http.get(path)
    assert reply.status_code == 404
    assert "There is nothing here" in reply.text
    assert "Content-Security-Policy" in reply.headers
    assert browser.http.get(path, headers=STREAM).json()["error"].startswith("There is nothing here")


def test_a_chat_is_listed_by_its_first_message_and_can_be_deleted(browser: Browser) -> None:
    browser.ask("Hello there, this is rather a long first message\nwith a second line for the title")
    assert "Hello there, this is rather a long first message with a…</a>" in browser.http.get("/").text
    assert browser.http.post(f"{browser.path}/delete").status_code == 303
    assert browser.http.get(browser.path).status_code == 404
    assert "Hello there" not in browser.http.get("/").text


def test_text_is_shown_as_text(browser: Browser) -> None:
    browser.ask("<script>alert(1)</script> & <b>bold</b>")
    page = browser.page()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;bold&lt;/b&gt;" in page


def test_the_demo_model_is_named_as_what_it_is(chat_ui: Service, start_chat_ui: type[Service]) -> None:
    assert "tiny demo model" in get(chat_ui).text
    other = get(start_chat_ui(LM_MODEL_NAME="qwen2.5-0.5b")).text
    assert "demo" not in other
    assert "qwen2.5-0.5b can be wrong" in other


def test_health_and_readiness_need_nobody_else(start_chat_ui: type[Service]) -> None:
    lonely = start_chat_ui(DB_API_URL="http://127.0.0.1:9", LM_API_URL="http://127.0.0.1:9")
    for path in ("/health", "/ready"):
        reply = get(lonely, path)
        assert reply.status_code == 200
        assert "Set-Cookie" not in reply.headers
    assert lonely.terminate() == 0


def test_the_log_shows_requests_but_no_contents(browser: Browser, chat_ui: Service) -> None:
    browser.ask("whisper-7431")
    browser.refusal("whisper-7431\x00")
    chat_ui.wait_for_line(rf"POST {browser.path}/messages 200 \d+ ms")
    chat_ui.wait_for_line(rf"POST {browser.path}/messages 422 \d+ ms")
    assert "whisper-7431" not in chat_ui.log
    assert "a session key that must appear in no log" not in chat_ui.log
    assert browser.http.cookies["chat_session"] not in chat_ui.log


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, "SESSION_KEY"),
        ({"SESSION_KEY": "short-0815"}, "SESSION_KEY"),
        ({"SESSION_KEY": "k" * 32, "LM_MAX_TOKENS": "many"}, "LM_MAX_TOKENS"),
        ({"SESSION_KEY": "k" * 32, "LM_MAX_TOKENS": "1000"}, "LM_CONTEXT"),
    ],
)
def test_settings_that_cannot_work_are_named(environ: dict[str, str], named: str) -> None:
    with pytest.raises(RuntimeError, match=named) as error:
        Service(CHAT_UI, "chat_ui", environ)
    assert "short-0815" not in str(error.value)
