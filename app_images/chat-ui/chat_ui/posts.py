"""What a person does: ask, ask again, stop an answer, delete a chat.

With `Accept: text/event-stream` (the page's script) an answer is streamed while it is written; a plain form post gets a
redirect to the chat when the answer is there, or after a while without it.
"""

import asyncio
from contextlib import suppress
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response, StreamingResponse

from . import events, questions
from .answers import Answer
from .conversation import answer_id, prompt, turns
from .errors import Refusal
from .pages import chat_page
from .services import OpenChat, Services, Shared
from .store import Chat, ChatKey

LONGEST_WAIT = 100.0  # seconds that a plain form post waits for its answer; proxies cut at 240
router = APIRouter(prefix="/chats/{chat_id}")


class Question(BaseModel):
    """The form that asks; a page sets the id, so that the same form sent twice is one message."""

    message: str = ""
    message_id: UUID = Field(default_factory=uuid4)


@router.post("/messages")
async def ask(
    request: Request, services: Shared, key: OpenChat, form: Annotated[Question, Form()], new: bool = False
) -> Response:
    """The next message of a chat; with `?new=1` the chat is created with it, under the id that the caller chose.

    The message is stored before anything is answered. Sent again with the same `message_id`, it is not doubled.
    """
    try:
        text = questions.check(form.message, services.settings.prompt_tokens)
        if new:
            await services.store.create_chat(key, questions.title(text))
        await services.store.add_question(key, form.message_id, text)
        return await _answer(request, services, key, form.message_id)
    except Refusal as refusal:
        if events.wanted(request) or refusal.status >= 500:
            raise
        chat = None if new else await services.store.get_chat(key)
        return await chat_page(services, key, chat, refusal, draft=form.message)


@router.post("/answers")
async def ask_again(request: Request, services: Shared, key: OpenChat, message_id: Annotated[UUID, Form()]) -> Response:
    """Another try at the message, when its answer is missing, cut off or stopped."""
    return await _answer(request, services, key, message_id, again=True)


@router.post("/stop")
async def stop(request: Request, services: Shared, key: OpenChat, answer: Annotated[UUID, Form()]) -> Response:
    """Stop an answer; what is there of it is kept."""
    await services.answers.stop(key, answer)
    return Response(status_code=204) if events.wanted(request) else _to(key)


@router.post("/delete")
async def delete(services: Shared, key: OpenChat) -> Response:
    """Delete the chat and show a new one."""
    await services.store.delete_chat(key)
    return RedirectResponse("/", 303)


async def _answer(
    request: Request, services: Services, key: ChatKey, message_id: UUID, again: bool = False
) -> Response:
    """Begin the answer to a stored message, or join it, and respond in the way that the caller wants."""
    chat = await services.store.get_chat(key)
    answer = _begin(services, key, chat, message_id, again)
    if not events.wanted(request):
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_WAIT):
                await answer.ended()
        return _to(key)
    question = {
        "chat_id": str(key.chat_id),
        "title": chat.title,
        "message_id": str(message_id),
        "answer_id": str(answer.id),
    }
    stream = events.follow(answer, question)
    return StreamingResponse(stream, media_type="text/event-stream", headers=events.HEADERS)


def _begin(services: Services, key: ChatKey, chat: Chat, message_id: UUID, again: bool) -> Answer:
    """The running answer to the message, or its stored one, or a new one."""
    every = turns(chat)
    place = next((n for n, turn in enumerate(every) if turn.question.id == message_id), None)
    if place is None:
        raise Refusal(404, "There is no such message in this chat.")
    turn = every[place]
    if turn.answer and not (again and turn.can_be_tried_again):
        running = services.answers.find(key, turn.answer.id)
        return running or Answer(key, turn.answer.id, turn.text, state=turn.answer.state)
    shown = prompt(every[:place], turn.question.content, services.settings.prompt_tokens)
    return services.answers.start(key, answer_id(turn.last_id), shown)


def _to(key: ChatKey) -> Response:
    return RedirectResponse(f"/chats/{key.chat_id}", 303)
