"""db-api as chat-ui uses it: conversations of one session, kept for good.

Every write carries an id chosen here, so that it can be sent again when the connection breaks, without doubling.
"""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import httpx
from pydantic import BaseModel, TypeAdapter

from .errors import Refusal
from .patience import Patience, is_away

PATIENCE = 30.0  # seconds, while db-api or its database restarts
State = Literal["complete", "incomplete", "stopped", "writing", "stopping"]


class Message(BaseModel):
    """A stored message; `age_seconds` is the time since its last write."""

    id: UUID
    role: Literal["user", "assistant"]
    content: str
    state: State
    age_seconds: float


class ChatSummary(BaseModel):
    """A chat as it appears in the list."""

    id: UUID
    title: str


class Chat(ChatSummary):
    """A chat with its messages, oldest first."""

    messages: list[Message]


class StoreError(Refusal):
    """db-api refused (4xx) or stayed away (503)."""


@dataclass(frozen=True)
class ChatKey:
    """One chat of one session."""

    session: str
    chat_id: UUID

    @property
    def path(self) -> str:
        """Where db-api keeps it."""
        return f"/chats/{self.chat_id}"


class Store:
    """A client of db-api. Every method raises StoreError."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self._url = url

    async def list_chats(self, session: str) -> list[ChatSummary]:
        """The session's chats, the one written to last first."""
        reply = await self._call("GET", "/chats", session)
        return TypeAdapter(list[ChatSummary]).validate_python(reply.json()["chats"])

    async def create_chat(self, chat: ChatKey, title: str) -> None:
        """Create the chat; nothing happens when it is there already."""
        await self._call("POST", "/chats", chat.session, {"id": str(chat.chat_id), "title": title})

    async def get_chat(self, chat: ChatKey) -> Chat:
        """The chat with its messages."""
        return Chat.model_validate_json((await self._call("GET", chat.path, chat.session)).content)

    async def delete_chat(self, chat: ChatKey) -> None:
        """Delete the chat with its messages."""
        await self._call("DELETE", chat.path, chat.session)

    async def add_question(self, chat: ChatKey, message_id: UUID, text: str) -> None:
        """Store what the person wrote. When this returns, it is committed."""
        body = {"id": str(message_id), "role": "user", "content": text}
        await self._call("POST", f"{chat.path}/messages", chat.session, body)

    async def write_answer(
        self, chat: ChatKey, answer_id: UUID, text: str, state: State, patience: float = PATIENCE
    ) -> State:
        """Store the answer as far as it goes; returns its state there, `stopped` when somebody asked for that."""
        body = {"id": str(answer_id), "role": "assistant", "content": text, "state": state}
        reply = await self._call("POST", f"{chat.path}/messages", chat.session, body, patience)
        return Message.model_validate_json(reply.content).state

    async def stop_answer(self, chat: ChatKey, answer_id: UUID) -> None:
        """Ask the replica that writes this answer, whichever it is, to stop."""
        await self._call("POST", f"{chat.path}/messages/{answer_id}/stop", chat.session)

    async def _call(
        self, method: str, path: str, session: str, body: dict[str, Any] | None = None, patience: float = PATIENCE
    ) -> httpx.Response:
        trying = Patience(patience)
        while True:
            try:
                reply = await self._http.request(
                    method, self._url + path, json=body, headers={"X-Session-Id": session}, timeout=patience
                )
                if not is_away(reply):
                    return _accepted(reply)
            except httpx.TransportError:
                pass
            if trying.ended:
                raise StoreError(503, "Your conversations cannot be reached at the moment. Please try again.")
            await trying.pause()


def _accepted(reply: httpx.Response) -> httpx.Response:
    if reply.is_success:
        return reply
    if reply.is_client_error and reply.headers.get("content-type", "").startswith("application/json"):
        raise StoreError(reply.status_code, str(reply.json()["error"]["message"]))
    raise StoreError(503, "Your conversations could not be read or written just now. Please try again.")
