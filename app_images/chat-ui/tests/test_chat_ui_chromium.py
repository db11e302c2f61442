"""The page in a real browser, whose script shows the words as they come."""

from chat_ui_gate import Gate
from db_api_stack import Service
from e2e.browser import answered, ask, needs_chromium, opened


@needs_chromium
def test_the_answer_is_seen_to_grow_while_the_model_writes(chat_ui: Service, gate: Gate) -> None:
    from playwright.sync_api import expect

    gate.hold()
    with opened(chat_ui.url) as page:
        ask(page, "What is this app?")
        expect(page.locator(".turn .prose").last).to_have_text("This")
        gate.release()
        said = answered(page)
    assert said.startswith("This ")
    assert len(said) > 20
