"""The YAML file -> Config. Every problem of the file is told at once, each with its line; nothing else is touched."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from chatops.config import bundled
from chatops.config.document import Document, parse, printable
from chatops.config.explain import problems
from chatops.config.schema import PLACEHOLDER, Azure, Config
from chatops.config.schema.services import with_defaults
from chatops.errors import ConfigError, Problem, UsageError

FILE = "chatops.yaml"
MAX_BYTES = 256 * 1024


def discover(explicit: Path | None, cwd: Path) -> Path:
    """The file to use: the one that was named, else `chatops.yaml` in `cwd`, else the bundled local config."""
    if explicit is not None:
        return explicit
    own = cwd / FILE
    return own if own.exists() or own.is_symlink() else bundled.config_file("local")


def discover_own(explicit: Path | None, cwd: Path, hint: str) -> Path:
    """The file to use and to write: as `discover`, but no bundled one that nobody named. Raises UsageError."""
    path = discover(explicit, cwd)
    if explicit is None and path == bundled.config_file("local"):
        raise UsageError(f"there is no {FILE} here to keep the change in: the stack is the bundled default", hint)
    return path


def load(path: Path) -> Config:
    """Read, check and complete a config file. Raises ConfigError with all of its problems."""
    document = parse(text_of(path), shown_path(path))
    return validate(document, path.parent)


def validate(document: Document, folder: Path) -> Config:
    """Check parsed YAML. Paths in it are taken from `folder`. Raises ConfigError."""
    try:
        return Config.model_validate(document.data, context=_context(document.data, folder))
    except ValidationError as error:
        raise ConfigError(problems(error.errors(include_url=False), document)) from None


def from_environment(config: Config, environ: Mapping[str, str]) -> Config:
    """Fill in what the file leaves open from AZURE_SUBSCRIPTION_ID and AZURE_TENANT_ID. Raises ConfigError."""
    if config.target != "azure" or config.azure is None:
        return config
    azure = config.azure.model_dump()
    if azure["subscription"] == PLACEHOLDER:
        azure["subscription"] = environ.get("AZURE_SUBSCRIPTION_ID") or PLACEHOLDER
    azure["tenant"] = azure["tenant"] or environ.get("AZURE_TENANT_ID") or None
    try:
        return config.model_copy(update={"azure": Azure.model_validate(azure)})
    except ValidationError as error:
        found = "; ".join(f"azure.{fault['loc'][0]}" for fault in error.errors())
        expected = "a GUID in AZURE_SUBSCRIPTION_ID and AZURE_TENANT_ID"
        raise ConfigError([Problem("the environment", None, None, found, "not a GUID", expected)]) from None


def require_subscription(config: Config, path: Path) -> None:
    """Refuse to go on towards Azure with the placeholder that the bundled configs carry. Raises ConfigError."""
    if config.target == "azure" and config.azure is not None and config.azure.subscription == PLACEHOLDER:
        document = parse(text_of(path), shown_path(path))
        field = ("azure", "subscription")
        line, column = document.place(field) or (None, None)
        found, expected = "still the placeholder", "the id of your subscription"
        hint = "`az account show --query id -o tsv` prints it; AZURE_SUBSCRIPTION_ID stands in for it"
        raise ConfigError([Problem(document.file, line, column, ".".join(field), found, expected, hint)])


def require_service(config: Config, name: str) -> None:
    """Raise UsageError, with the services that there are, when `name` is none of them."""
    if name not in config.services:
        close = get_close_matches(name, config.services, n=1)
        hint = f"did you mean {close[0]}?" if close else f"one of: {', '.join(config.services)}"
        raise UsageError(f"there is no service '{name}' in stack '{config.name}'", hint=hint)


def _context(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What rules need to know beyond their own field: where paths start, and which services there are."""
    services = data.get("services")
    return {"folder": folder, "services": tuple(with_defaults(services if isinstance(services, dict) else {}))}


def shown_path(path: Path) -> str:
    """The path as short as it can be said from here."""
    try:
        return printable(str(path.absolute().relative_to(Path.cwd())))
    except ValueError:
        return printable(str(path))


def text_of(path: Path) -> str:
    """The file's text. Raises ConfigError when it cannot be read as such."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        hint = "`chatops init` writes one to start from"
        raise _unreadable(path, "there is no such file", "a YAML file", hint) from None
    except IsADirectoryError:
        raise _unreadable(path, "this is a folder", "a YAML file", f"{path / FILE}?") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _unreadable(path, f"cannot be read: {reason}", "a file that you may read") from None
    if len(content) > MAX_BYTES:
        raise _unreadable(path, f"the file is larger than {MAX_BYTES // 1024} KiB", "a config file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _unreadable(path, "the file is not UTF-8 text", "YAML in UTF-8", line=line) from None


def _unreadable(
    path: Path, found: str, expected: str, hint: str | None = None, *, line: int | None = None
) -> ConfigError:
    return ConfigError([Problem(shown_path(path), line, None, "", found, expected, hint)])
