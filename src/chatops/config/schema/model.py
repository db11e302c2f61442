"""What is built and what is talked to: how images are made, and which language model answers."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from chatops.config.schema.rules import Otherwise, Says, Section, matching, refuse


def _path_or_url(value: str) -> str:
    expected = "an absolute path inside the image, or an https:// URL of a GGUF file"
    if value.startswith("/") and "//" not in value:
        return value
    if "@" in value:
        raise refuse("the URL holds a user name or password", "a URL without credentials", "this file is no safe place")
    try:
        url = urlsplit(value)
        usable = url.scheme == "https" and url.hostname and not any(c.isspace() for c in value)
    except ValueError:
        usable = False
    if not usable:
        raise refuse(f'"{value}" is neither an absolute path nor an https URL', expected)
    return value


LEAST_QUESTION = 128
"""Tokens that chat-ui keeps for the question beside the longest answer."""


class Images(Section):
    """How the services' images are built."""

    builder: Literal["auto", "docker", "registry"] = Field(
        default="auto",
        description="docker builds here and pushes; registry lets the container registry build; "
        "auto takes the first that works.",
    )
    base: Annotated[
        str,
        matching(r"[a-z0-9][a-z0-9._/:-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?"),
        Says("an image like python:3.12-slim"),
    ] = Field(default="python:3.12-slim", description="Base image of all services. Its Python must be 3.11 or newer.")


class LanguageModel(Section):
    """The language model behind lm-api, and how much of it one replica serves."""

    name: Annotated[
        str,
        matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"),
        Says("1 to 64 letters, digits, '.', '_' and '-', a letter or digit first"),
    ] = Field(default="demo", description="Name of the model, shown on the page and used in API calls.")
    source: Annotated[str, AfterValidator(_path_or_url), Says("a path inside the image, or an https URL")] | None = (
        Field(
            default=None,
            description="A GGUF file: its path inside the image or its https URL. Null: the bundled demo model.",
        )
    )
    sha256: Annotated[str, matching(r"[0-9a-f]{64}"), Says("64 lower-case hexadecimal digits")] | None = Field(
        default=None, description="SHA-256 of the GGUF file. Required with a URL."
    )
    fetch: Literal["build", "start"] = Field(
        default="build",
        description="When a model with a URL is fetched: once, into an image below lm-api's own, "
        "or by every replica when it starts (for one that is too large to upload).",
    )
    slots: Annotated[int, Field(ge=1, le=64)] = Field(
        default=4, description="Answers that one replica generates at a time."
    )
    context: Annotated[int, Field(ge=256, le=131072)] = Field(
        default=1024, description="Tokens that one conversation may hold, question and answer together."
    )
    max_tokens: Annotated[int, Field(ge=1, le=131072)] = Field(default=256, description="Tokens of one answer at most.")

    @property
    def in_image(self) -> bool:
        """Whether the model is an image of its own."""
        return self.fetch == "build" and self.source is not None and self.source.startswith("https:")

    @field_validator("sha256")
    @classmethod
    def _url_is_checked(cls, value: str | None, info: ValidationInfo) -> str | None:
        source = info.data.get("source", "unknown")
        if value is None and source is not None and source.startswith("https:"):
            raise refuse(
                "missing, and source is a URL",
                "the SHA-256 of the file: 64 hexadecimal digits",
                "sha256sum FILE, or the model's page, tells it",
                otherwise=Otherwise("source", "a URL without sha256", "sha256 beside it: 64 hexadecimal digits"),
            )
        if value is not None and source is None:
            raise refuse("there is no source that it could check", "model.source beside it, or neither")
        return value

    @field_validator("max_tokens")
    @classmethod
    def _answer_fits(cls, value: int, info: ValidationInfo) -> int:
        context = info.data.get("context")
        if context is not None and value > context - LEAST_QUESTION:
            raise refuse(
                f"{value} leaves no room for a question in context ({context})",
                f"an integer from 1 to {context - LEAST_QUESTION}",
                otherwise=Otherwise(
                    "context",
                    f"{context} has no room for max_tokens ({value} when left out)",
                    f"{value + LEAST_QUESTION} or more",
                ),
            )
        return value
