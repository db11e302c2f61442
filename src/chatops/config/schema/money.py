"""What the stack may cost: a budget with alerts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chatops.config.schema.rules import Says, Section, matching

Emails = Annotated[
    tuple[Annotated[str, matching(r"[^@\s]+@[^@\s]+\.[^@\s]+")], ...],
    Field(strict=False),
    Says("a list of e-mail addresses"),
]
Percents = Annotated[
    tuple[Annotated[int, Field(ge=1, le=1000)], ...],
    Field(max_length=2, strict=False),
    Says("a list of at most 2 whole numbers of percent, 1 to 1000"),
]


class Budget(Section):
    """A budget on the stack's resource group. Azure warns its owners by mail; nothing is ever stopped by it."""

    amount: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        description="What a month may cost, in your bill's currency; `up` refuses a plan that is expected to pass it."
    )
    emails: Emails = Field(default=(), description="Who is written to beside the owners.")
    actual: Percents = Field(default=(80, 100), description="Write when so many percent are spent.")
    forecast: Percents = Field(default=(100,), description="Write when so many percent are forecast to be spent.")
