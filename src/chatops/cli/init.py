"""`chatops init`: a commented YAML file to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chatops.cli.options import Output, OutputFormat
from chatops.cli.session import view_of
from chatops.config.docs import template
from chatops.errors import UsageError

Force = Annotated[bool, typer.Option("--force", help="Overwrite the file when it is there.")]
Where = Annotated[Path, typer.Argument(help="The file to write.")]


def init(path: Where = Path("chatops.yaml"), force: Force = False, output: OutputFormat = Output.human) -> None:
    """Write chatops.yaml with every setting, its default and a comment."""
    if path.exists() and not force:
        raise UsageError(f"{path} is there already", hint="--force overwrites it")
    try:
        path.write_text(template())
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    view_of(output).record({"written": path, "next": "chatops up"})
