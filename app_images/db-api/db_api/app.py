"""The HTTP interface: chats and messages of one session, as JSON.

The caller names the session in `X-Session-Id`. Whoever may send that header decides whose chats are seen, so this
service must only be reachable from inside the environment.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Header, Request, Response

from . import chats, errors
from .access_log import AccessLog
from .body_limit import BodyLimit
from .database import Connection, Database
from .models import Chat, ChatList, ChatSummary, Message, NewChat, NewMessage
from .settings import Settings

MAX_BODY = 1024 * 1024  # the longest message, each character written as a JSON escape


async def _database(request: Request) -> Database:
    database = request.app.state.database
    assert isinstance(database, Database)  # noqa: S101
    return database


Db = Annotated[Database, Depends(_database)]
Session = Annotated[str, Header(alias="X-Session-Id", pattern=r"^[A-Za-z0-9_.~-]{8,128}$")]


def create_app(settings: Settings) -> FastAPI:
    """The application; it starts, and answers `/health`, while the database is still coming up."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with Database(settings.conninfo, settings.patience) as database:
            app.state.database = database
            yield

    app = FastAPI(title="db-api", lifespan=lifespan)
    app.add_middleware(BodyLimit, limit=MAX_BODY)
    app.add_middleware(AccessLog)
    errors.install(app)
    _add_probes(app)
    _add_chats(app)
    _add_messages(app)
    return app


def _add_probes(app: FastAPI) -> None:
    @app.get("/health")
    async def health() -> dict[str, str]:
        """The process is alive; says nothing about the database."""
        return {"status": "ok"}

    @app.get("/ready")
    async def ready(db: Db, response: Response) -> dict[str, str]:
        """200 when the database is reachable and migrated, else 503."""
        if await db.ready():
            return {"status": "ready"}
        response.status_code = 503
        return {"status": "waiting for the database"}


def _add_chats(app: FastAPI) -> None:
    @app.get("/chats")
    async def list_chats(db: Db, session: Session) -> ChatList:
        """The session's chats, the one written to last first."""
        return ChatList(chats=await db.run(lambda c: chats.list_chats(c, session)))

    @app.post("/chats")
    async def create_chat(db: Db, session: Session, chat: NewChat, response: Response) -> ChatSummary:
        """201 for a new chat, 200 for one that is there already, 409 when the session has too many."""
        created, is_new = await db.run(lambda c: chats.create_chat(c, session, chat))
        response.status_code = 201 if is_new else 200
        return created

    @app.get("/chats/{chat_id}")
    async def get_chat(db: Db, session: Session, chat_id: UUID) -> Chat:
        """The chat with all its messages, oldest first."""
        return await db.run(lambda c: chats.get_chat(c, session, chat_id))

    @app.delete("/chats/{chat_id}", status_code=204)
    async def delete_chat(db: Db, session: Session, chat_id: UUID) -> None:
        """204 when it is deleted and that is committed; 404 when there was none."""

        async def delete(connection: Connection) -> None:
            await chats.delete_chat(connection, session, chat_id)

        # two steps: a delete that is run again because its commit was lost must not answer 404
        await db.run(lambda c: chats.chat_exists(c, session, chat_id))
        await db.run(delete)


def _add_messages(app: FastAPI) -> None:
    @app.post("/chats/{chat_id}/messages")
    async def write_message(
        db: Db, session: Session, chat_id: UUID, message: NewMessage, response: Response
    ) -> Message:
        """201 for a new message; 200 for the same again, or for the next version of one still being written.

        409 when the id belongs to a finished message with other content. When this answers, the message is committed.
        """
        written, is_new = await db.run(lambda c: chats.write_message(c, session, chat_id, message))
        response.status_code = 201 if is_new else 200
        return written

    @app.post("/chats/{chat_id}/messages/{message_id}/stop", status_code=202)
    async def stop_message(db: Db, session: Session, chat_id: UUID, message_id: UUID) -> Message:
        """Ask the writer of this answer to stop; it learns of it with its next write."""
        return await db.run(lambda c: chats.stop_message(c, session, chat_id, message_id))
