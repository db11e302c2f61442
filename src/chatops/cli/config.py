"""`chatops config`: check the YAML file, explain its fields, print its schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from chatops.cli.options import ConfigFile, Output, OutputFormat, examples
from chatops.cli.session import view_of
from chatops.config import docs as documentation
from chatops.config.load import discover, load

group = typer.Typer(no_args_is_help=True, help="Check, explain and describe the YAML file.")
Field = Annotated[str | None, typer.Argument(help="A field, e.g. services or services.lm-api.scale.")]


@group.command()
def check(config: ConfigFile = None, output: OutputFormat = Output.human) -> None:
    """Check the YAML file and tell every problem with its line. Touches nothing else."""
    path = discover(config, Path.cwd())
    checked = load(path)
    services = ", ".join(checked.services)
    view_of(output).record(
        {"ok": True, "file": path, "stack": checked.name, "target": checked.target, "services": services}
    )


@group.command(epilog=examples("chatops config docs services.lm-api.scale"))
def docs(field: Field = None, output: OutputFormat = Output.human) -> None:
    """Explain every field: type, default, meaning."""
    view_of(output).rows([vars(entry) for entry in documentation.entries(field)])


@group.command()
def schema() -> None:
    """Print the JSON Schema, for editors."""
    view_of(Output.human).line(json.dumps(documentation.json_schema(), indent=2))
