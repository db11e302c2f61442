-- Ids come from the caller and mean something only within their session: the session is part of the key,
-- so no query can reach another session's chat by its id.
CREATE TABLE chats (
    key        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id text NOT NULL,
    id         uuid NOT NULL,
    title      text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (session_id, id)
);

CREATE INDEX chats_by_last_write ON chats (session_id, updated_at DESC);
