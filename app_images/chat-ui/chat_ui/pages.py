"""The pages, rendered on the server: a new chat, an open chat, and errors in the same frame."""

import hashlib
from pathlib import Path
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from .conversation import turns
from .errors import Refusal
from .markup import to_html
from .questions import MAX_LETTERS
from .services import OpenChat, Services, Session, Shared
from .store import Chat, ChatKey

HERE = Path(__file__).parent
STATIC = HERE / "static"
SUGGESTIONS = ("What is this app?", "How does it work?", "What can you do?", "Tell me a joke")
router = APIRouter()


def _version() -> str:
    """Changes with the files, so that browsers may keep them for ever."""
    files = sorted(path for path in STATIC.iterdir() if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def _environment() -> Environment:
    loader = FileSystemLoader(HERE / "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["markup"] = to_html
    environment.globals["version"] = _version()
    return environment


_templates = _environment()


def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A rendered template, never cached: it shows one session's conversations."""
    html = _templates.get_template(template).render(values)
    return HTMLResponse(html, status, headers={"Cache-Control": "no-store"})


async def chat_page(
    services: Services, key: ChatKey, chat: Chat | None, refusal: Refusal | None = None, draft: str = ""
) -> HTMLResponse:
    """The page of a chat, or of a new one when `chat` is None; `refusal` and `draft` after a refused message."""
    conversation = turns(chat) if chat else []
    return page(
        "chat.html",
        status=refusal.status if refusal else 200,
        chats=await services.store.list_chats(key.session),
        chat_id=key.chat_id,
        chat=chat,
        turns=conversation,
        pending=bool(conversation) and conversation[-1].status == "writing",
        suggestions=SUGGESTIONS if services.settings.is_demo else (),
        is_demo=services.settings.is_demo,
        model_name=services.settings.model_name,
        next_message_id=uuid4(),
        problem=refusal.sentence if refusal else "",
        draft=draft,
        longest=MAX_LETTERS,
    )


@router.get("/")
async def new_chat(services: Shared, session: Session) -> Response:
    """A new chat; it is stored with its first message."""
    return await chat_page(services, ChatKey(session, uuid4()), None)


@router.get("/chats/{chat_id}")
async def open_chat(services: Shared, key: OpenChat) -> Response:
    """A chat with everything said in it."""
    return await chat_page(services, key, await services.store.get_chat(key))


@router.get("/health")
async def health() -> dict[str, str]:
    """The process is alive; says nothing about the services behind it."""
    return {"status": "ok"}


@router.get("/ready")
async def ready(request: Request) -> dict[str, str]:
    """The page can be served; what is behind it is waited for, request by request."""
    return {"status": "ready"}
