"""chat-ui: the chat page. Keeps conversations in db-api and streams the answers of lm-api to the browser."""
