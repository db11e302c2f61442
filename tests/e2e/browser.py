"""Somebody who chats on the page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = "/usr/bin/chromium"
PATIENCE = 120_000  # milliseconds
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

needs_chromium = pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Debian's chromium is not installed")


@contextmanager
def opened(url: str) -> Iterator[Page]:
    """A browser with the page at `url`."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET, timeout=PATIENCE)
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(url)
        yield page
        browser.close()


def ask(page: Page, question: str) -> None:
    """Type a question and send it."""
    page.fill("#message", question)
    page.keyboard.press("Enter")


def answered(page: Page) -> str:
    """Wait for the end of the answer; its text."""
    from playwright.sync_api import expect

    answer = page.locator(".turn .prose").last
    expect(answer).not_to_be_empty()
    expect(page.locator(".answer[aria-busy=true]")).to_have_count(0)
    return answer.inner_text()


def chat(url: str) -> None:
    """Ask something, and find question and answer again after a reload."""
    with opened(url) as page:
        ask(page, "What is this app?")
        said = answered(page)
        assert len(said) > 20
        page.reload()
        assert page.locator(".turn .question").last.inner_text() == "What is this app?"
        assert page.locator(".turn .prose").last.inner_text() == said
