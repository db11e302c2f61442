"""What all sections of the config share: strictness, words for what a field takes, and how a rule refuses a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, model_validator
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """One section of the YAML file: immutable, no unknown keys, nothing converted in silence (`"5"` is not 5)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_sections_are_their_defaults(cls, data: object) -> object:
        """`network:` with every line below it commented out is null in YAML, and means: the defaults."""
        if not isinstance(data, dict):
            return data
        sections = {name for name, field in cls.model_fields.items() if isinstance(field.default, Section | dict)}
        return {key: {} if value is None and key in sections else value for key, value in data.items()}


@dataclass(frozen=True)
class Says:
    """What a field takes, in words, for error messages and the docs; beside the type in `Annotated`."""

    text: str


@dataclass(frozen=True)
class Otherwise:
    """What to say at `field` instead, when a rule about two fields fails and the file writes only that one."""

    field: str
    found: str
    expected: str


def refuse(
    found: str, expected: str | None = None, hint: str | None = None, otherwise: Otherwise | None = None
) -> PydanticCustomError:
    """The error of a rule: what was found, what was expected, what to do."""
    context: dict[str, Any] = {"found": found, "expected": expected, "hint": hint, "otherwise": otherwise}
    return PydanticCustomError("rule", "{found}", context)


def number_as_text(value: object) -> object:
    """Turn a whole number into its digits; leave all else to the field's type."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def matching(pattern: str, at_most: int | None = None) -> StringConstraints:
    """Text that matches `pattern` from its first to its last character, and has `at_most` so many of them."""
    return StringConstraints(pattern=rf"^(?:{pattern})$", max_length=at_most)


NumberAsText = BeforeValidator(number_as_text, json_schema_input_type=str | int)
"""For text where a bare whole number is as good: `PORT: 8080` means "8080"."""
