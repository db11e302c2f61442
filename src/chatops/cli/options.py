"""The options that several commands share, said once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Output(StrEnum):
    """How results are shown."""

    human = "human"
    json = "json"


def examples(*lines: str) -> str:
    """Return the end of a command's help: how it is typed, in Markdown."""
    return "Examples:\n\n" + "\n\n".join(f"- `{line}`" for line in lines)


ConfigFile = Annotated[
    Path | None,
    typer.Option("-c", "--config", help="The YAML file. Default: chatops.yaml here, else the bundled local stack."),
]
OutputFormat = Annotated[Output, typer.Option("-o", "--output", help="For people, or JSON for programs.")]
Yes = Annotated[bool, typer.Option("-y", "--yes", help="Don't ask.")]
