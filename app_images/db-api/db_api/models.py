"""The JSON bodies, in and out, and the limits on them.

A message of the assistant may be stored while it is still being written (`writing`), so that another reader sees it
grow and may ask for it to stop (`stopping`). The other three states are final: such a message never changes again.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

MAX_CHATS_PER_SESSION = 200
MAX_MESSAGES_PER_CHAT = 1000
MAX_TITLE = 120
MAX_CONTENT = 100_000

Role = Literal["user", "assistant"]
NewState = Literal["complete", "incomplete", "stopped", "writing"]
State = Literal["complete", "incomplete", "stopped", "writing", "stopping"]
OPEN_STATES = ("writing", "stopping")


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain NUL characters, which PostgreSQL cannot store")
    return text


Content = Annotated[str, Field(max_length=MAX_CONTENT), AfterValidator(_storable)]
Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TITLE), AfterValidator(_storable)
]


class NewChat(BaseModel):
    """A chat to create. The caller chooses the id, so that a repeated request creates nothing twice."""

    model_config = ConfigDict(extra="forbid")
    id: UUID
    title: Title


class NewMessage(BaseModel):
    """A message to append, or the next version of one that is still being written. The caller chooses the id."""

    model_config = ConfigDict(extra="forbid")
    id: UUID
    role: Role
    content: Content
    state: NewState = "complete"


class Message(BaseModel):
    """A stored message; `age_seconds` is the time since its last write, by the database's clock."""

    id: UUID
    role: Role
    content: str
    state: State
    created_at: datetime
    age_seconds: float


class ChatSummary(BaseModel):
    """A chat as it appears in a list."""

    id: UUID
    title: str
    created_at: datetime
    updated_at: datetime


class Chat(ChatSummary):
    """A chat with its messages, oldest first."""

    messages: list[Message]


class ChatList(BaseModel):
    """The chats of a session, the one written to last first."""

    chats: list[ChatSummary]
