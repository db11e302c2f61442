"""What every request handler needs, made once per process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import httpx
from fastapi import Depends, Request

from .answers import Answers
from .model import Model
from .settings import Settings
from .store import ChatKey, Store

LIMITS = httpx.Limits(max_connections=500, max_keepalive_connections=50, keepalive_expiry=20)
TIMEOUT = httpx.Timeout(30.0, connect=5.0)


@dataclass(frozen=True)
class Services:
    """The settings and the clients of the other services."""

    settings: Settings
    store: Store
    answers: Answers


@asynccontextmanager
async def services(settings: Settings) -> AsyncIterator[Services]:
    """The services, with one HTTP client for both."""
    async with httpx.AsyncClient(limits=LIMITS, timeout=TIMEOUT) as http:
        store = Store(http, settings.db_api_url)
        answers = Answers(store, Model(http, settings.lm_api_url, settings.model_name, settings.max_tokens))
        yield Services(settings, store, answers)


async def _services(request: Request) -> Services:
    found = request.app.state.services
    assert isinstance(found, Services)  # noqa: S101
    return found


async def _session(request: Request) -> str:
    return str(request.state.session)


Shared = Annotated[Services, Depends(_services)]
Session = Annotated[str, Depends(_session)]


async def _chat(session: Session, chat_id: UUID) -> ChatKey:
    return ChatKey(session, chat_id)


OpenChat = Annotated[ChatKey, Depends(_chat)]
