"""The SQL: what can be done with chats and messages. Each function is one operation of one transaction.

Every statement names the session, so a chat of another session does not exist here. Each function may run twice with
the same arguments (a retried request, a lost commit) and leaves the same result.
"""

from typing import Any
from uuid import UUID

from .database import Connection
from .errors import CHAT_NOT_FOUND, MESSAGE_EXISTS, TOO_MANY_CHATS, TOO_MANY_MESSAGES, fail
from .models import (
    MAX_CHATS_PER_SESSION,
    MAX_MESSAGES_PER_CHAT,
    OPEN_STATES,
    Chat,
    ChatSummary,
    Message,
    NewChat,
    NewMessage,
    State,
)

SUMMARY = "id, title, created_at, updated_at"
MESSAGE = "id, role, content, state, created_at, extract(epoch FROM now() - updated_at)::float8 AS age_seconds"


async def list_chats(connection: Connection, session: str) -> list[ChatSummary]:
    """The session's chats, the one written to last first."""
    rows = await connection.execute(
        f"SELECT {SUMMARY} FROM chats WHERE session_id = %s ORDER BY updated_at DESC, key DESC LIMIT %s",  # noqa: S608
        (session, MAX_CHATS_PER_SESSION),
    )
    return [ChatSummary(**row) async for row in rows]


async def create_chat(connection: Connection, session: str, chat: NewChat) -> tuple[ChatSummary, bool]:
    """The chat, and whether it is new: a chat with this id that is there already is returned as it is."""
    # counting and inserting must not interleave with another request of the same session
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (session,))
    existing = await connection.execute(
        f"SELECT {SUMMARY} FROM chats WHERE session_id = %s AND id = %s",  # noqa: S608
        (session, chat.id),
    )
    if row := await existing.fetchone():
        return ChatSummary(**row), False
    count = await connection.execute("SELECT count(*) AS n FROM chats WHERE session_id = %s", (session,))
    if _one(await count.fetchone())["n"] >= MAX_CHATS_PER_SESSION:
        fail(TOO_MANY_CHATS)
    created = await connection.execute(
        f"INSERT INTO chats (session_id, id, title) VALUES (%s, %s, %s) RETURNING {SUMMARY}",  # noqa: S608
        (session, chat.id, chat.title),
    )
    return ChatSummary(**_one(await created.fetchone())), True


async def get_chat(connection: Connection, session: str, chat_id: UUID) -> Chat:
    """The chat with its messages, oldest first."""
    found = await connection.execute(
        f"SELECT key, {SUMMARY} FROM chats WHERE session_id = %s AND id = %s",  # noqa: S608
        (session, chat_id),
    )
    chat = await found.fetchone() or fail(CHAT_NOT_FOUND)
    messages = await connection.execute(
        f"SELECT {MESSAGE} FROM messages WHERE chat_key = %s ORDER BY position",  # noqa: S608
        (chat.pop("key"),),
    )
    return Chat(**chat, messages=[Message(**row) async for row in messages])


async def chat_exists(connection: Connection, session: str, chat_id: UUID) -> None:
    """Fail when there is no such chat."""
    found = await connection.execute("SELECT 1 FROM chats WHERE session_id = %s AND id = %s", (session, chat_id))
    if not await found.fetchone():
        fail(CHAT_NOT_FOUND)


async def delete_chat(connection: Connection, session: str, chat_id: UUID) -> None:
    """Delete the chat and its messages; nothing happens when it is gone already."""
    await connection.execute("DELETE FROM chats WHERE session_id = %s AND id = %s", (session, chat_id))


async def write_message(
    connection: Connection, session: str, chat_id: UUID, message: NewMessage
) -> tuple[Message, bool]:
    """Append the message, or write the next version of one still being written; tell whether it is new.

    The same message again changes nothing. Whoever goes on writing after a request to stop reads `stopping`.
    """
    chat_key = await _lock_chat(connection, session, chat_id)
    stored = await _find_message(connection, chat_key, message.id)
    if stored is None:
        return await _insert(connection, chat_key, message, message.state), True
    if stored.role == message.role and stored.state in OPEN_STATES:
        state = stored.state if message.state == "writing" else message.state
        return await _update(connection, chat_key, message, state), False
    if (stored.role, stored.content, stored.state) != (message.role, message.content, message.state):
        fail(MESSAGE_EXISTS)
    return stored, False


async def stop_message(connection: Connection, session: str, chat_id: UUID, message_id: UUID) -> Message:
    """Ask whoever writes this answer to stop: the next write is told, also when it is the first.

    An answer that has ended stays as it is.
    """
    chat_key = await _lock_chat(connection, session, chat_id)
    stored = await _find_message(connection, chat_key, message_id)
    if stored is None:
        return await _insert(connection, chat_key, NewMessage(id=message_id, role="assistant", content=""), "stopping")
    if stored.state != "writing":
        return stored
    return await _update(
        connection, chat_key, NewMessage(id=stored.id, role=stored.role, content=stored.content), "stopping"
    )


async def _lock_chat(connection: Connection, session: str, chat_id: UUID) -> int:
    """The chat's key; writers of one chat take turns, so its messages are numbered without gaps."""
    rows = await connection.execute(
        "UPDATE chats SET updated_at = now() WHERE session_id = %s AND id = %s RETURNING key", (session, chat_id)
    )
    row = await rows.fetchone() or fail(CHAT_NOT_FOUND)
    return int(row["key"])


async def _find_message(connection: Connection, chat_key: int, message_id: UUID) -> Message | None:
    rows = await connection.execute(
        f"SELECT {MESSAGE} FROM messages WHERE chat_key = %s AND id = %s",  # noqa: S608
        (chat_key, message_id),
    )
    row = await rows.fetchone()
    return Message(**row) if row else None


async def _insert(connection: Connection, chat_key: int, message: NewMessage, state: State) -> Message:
    rows = await connection.execute(
        f"INSERT INTO messages (chat_key, position, id, role, content, state)"  # noqa: S608
        f" SELECT %s, count(*) + 1, %s, %s, %s, %s FROM messages WHERE chat_key = %s HAVING count(*) < %s"
        f" RETURNING {MESSAGE}",
        (chat_key, message.id, message.role, message.content, state, chat_key, MAX_MESSAGES_PER_CHAT),
    )
    return Message(**(await rows.fetchone() or fail(TOO_MANY_MESSAGES)))


async def _update(connection: Connection, chat_key: int, message: NewMessage, state: State) -> Message:
    rows = await connection.execute(
        f"UPDATE messages SET content = %s, state = %s, updated_at = now()"  # noqa: S608
        f" WHERE chat_key = %s AND id = %s RETURNING {MESSAGE}",
        (message.content, state, chat_key, message.id),
    )
    return Message(**_one(await rows.fetchone()))


def _one(row: dict[str, Any] | None) -> dict[str, Any]:
    assert row is not None, "the statement always returns one row"  # noqa: S101
    return row
