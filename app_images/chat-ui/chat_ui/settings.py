"""What chat-ui takes from its environment.

HTTP_PROXY and NO_PROXY are left to httpx: they decide how `http://db-api` and `http://lm-api` are reached.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

DEMO_MODEL = "demo"
SHORTEST_KEY = 16
LEAST_PROMPT = 128  # tokens


class SettingsError(Exception):
    """An environment variable is missing or cannot be used; the message names it and never shows its value."""


@dataclass(frozen=True)
class Settings:
    """Where to listen, whom to call, and the model's limits in tokens."""

    host: str
    port: int
    db_api_url: str
    lm_api_url: str
    model_name: str
    max_tokens: int
    context: int
    session_key: str = field(repr=False)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings from `environ`; raises SettingsError."""
        if len(environ.get("SESSION_KEY", "")) < SHORTEST_KEY:
            raise SettingsError(f"set SESSION_KEY (at least {SHORTEST_KEY} characters): it signs the session cookie")
        max_tokens = _number(environ, "LM_MAX_TOKENS", 256)
        context = _number(environ, "LM_CONTEXT", 1024)
        if context < max_tokens + LEAST_PROMPT:
            raise SettingsError(f"LM_CONTEXT must be at least LM_MAX_TOKENS + {LEAST_PROMPT}: no question would fit")
        return cls(
            host=environ.get("HOST") or "0.0.0.0",  # noqa: S104
            port=_number(environ, "CONTAINER_APP_PORT", 8080),
            db_api_url=(environ.get("DB_API_URL") or "http://db-api").rstrip("/"),
            lm_api_url=(environ.get("LM_API_URL") or "http://lm-api").rstrip("/"),
            model_name=environ.get("LM_MODEL_NAME") or DEMO_MODEL,
            max_tokens=max_tokens,
            context=context,
            session_key=environ["SESSION_KEY"],
        )

    @property
    def is_demo(self) -> bool:
        """Whether the bundled demo model is talking."""
        return self.model_name == DEMO_MODEL

    @property
    def prompt_tokens(self) -> int:
        """How many tokens a prompt may have: what the context leaves when the longest answer is set aside."""
        return self.context - self.max_tokens


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name) or str(default)
    if not value.isdecimal():
        raise SettingsError(f"{name} must be a whole number")
    return int(value)
