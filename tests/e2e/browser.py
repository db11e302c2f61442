"""Somebody who chats on the page in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest

WATCH_THE_ANSWER = """() => {
    window.lengths = [];
    const look = () => {
        const answers = document.querySelectorAll(".turn .prose");
        if (answers.length) window.lengths.push(answers[answers.length - 1].textContent.trim().length);
    };
    const all = {subtree: true, childList: true, characterData: true};
    new MutationObserver(look).observe(document.getElementById("conversation"), all);
}"""
CHROMIUM = "/usr/bin/chromium"
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


def chat(url: str) -> None:
    """Ask something, see the answer grow, and find both again after a reload."""
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page()
        page.goto(url)
        page.evaluate(WATCH_THE_ANSWER)
        page.fill("#message", "What is this app?")
        page.keyboard.press("Enter")
        answer = page.locator(".turn .prose").last
        expect(answer).not_to_be_empty(timeout=60_000)
        expect(page.locator(".answer[aria-busy=true]")).to_have_count(0, timeout=120_000)
        said = answer.inner_text()
        lengths = sorted(set(page.evaluate("window.lengths")))
        assert len(lengths) > 5, "the answer is seen to grow"
        assert lengths[-1] == len(said) > 20
        page.reload()
        assert page.locator(".turn .question").last.inner_text() == "What is this app?"
        assert page.locator(".turn .prose").last.inner_text() == said
        browser.close()
