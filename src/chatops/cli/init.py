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
    if path.is_dir():
        raise UsageError(f"{path} is a folder", hint=f"chatops init {path / 'chatops.yaml'}")
    if path.exists() and not force:
        raise UsageError(f"{path} is there already", hint="--force overwrites it")
    try:
        path.write_text(template())
    except OSError as error:
        hint = "name a file in a folder that is there and that you may write to"
        raise UsageError(f"{path} cannot be written: {error.strerror}", hint) from error
    view_of(output).record({"written": path, "next": "chatops up"})
