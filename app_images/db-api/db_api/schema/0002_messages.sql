CREATE TABLE messages (
    chat_key   bigint NOT NULL REFERENCES chats ON DELETE CASCADE,
    position   integer NOT NULL,
    id         uuid NOT NULL,
    role       text NOT NULL CHECK (role IN ('user', 'assistant')),
    content    text NOT NULL,
    state      text NOT NULL CHECK (state IN ('complete', 'incomplete', 'stopped', 'writing', 'stopping')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (chat_key, position),
    UNIQUE (chat_key, id)
);
