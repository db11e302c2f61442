"""db-api: chats and messages of the chat app, kept in PostgreSQL and served as JSON over HTTP."""
