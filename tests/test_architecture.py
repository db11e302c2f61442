"""The house rules that a program can check: who may import whom, where heavy imports live, how large things may grow.

The import table is that of the design; a new package has to be entered here before it may exist.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "naming": {"errors"},
    "engine": {"errors"},
    "config": {"domain.hostname", "errors"},
    "azure": {"errors"},
    "cost": {"engine", "errors"},
    "domain": {"errors"},
    "rollout": {"azure", "errors"},
    "resources": {"rollout", "engine.resource", "azure", "naming", "cost.meter", "domain", "errors"},
    "conversations": {"azure", "errors"},
    "costing": {"azure", "config", "cost", "engine.resource", "stack"},
    "stack": {"resources", "config", "engine.resource", "naming", "rollout"},
    "images": {"config", "azure", "errors"},
    "preflight": {"azure", "naming", "errors"},
    "views": {"engine", "cost", "errors"},
    "cli": {"rollout", "azure", "config", "cost", "engine", "errors", "images", "naming", "resources", "stack", "views"}
    | {"preflight", "domain", "costing", "conversations"},
    "cli.cloud": {"localcloud"},
    "localcloud": set(),
}
"""Package or module -> what of chatops it may import, besides itself. A longer name adds to the shorter one's row."""

ONLY_IN = {"typer": "cli", "rich": "views"}
"""Library -> the one package that may import it, at any depth."""

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "base"}


@dataclass(frozen=True)
class Import:
    """One imported module, and whether importing its importer imports it too."""

    importer: str
    imported: str
    line: int
    name: str | None
    at_top: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


@cache
def sources() -> dict[str, Path]:
    """Module name -> file, for all of src/."""
    found = {}
    for path in SRC.rglob("*.py"):
        parts = path.relative_to(SRC).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports() -> tuple[Import, ...]:
    return tuple(found for module in sources() for found in imports_of(module))


def imports_of(module: str) -> Iterator[Import]:
    tree = ast.parse(sources()[module].read_text(encoding="utf-8"))
    at_top = set(_run_on_import(tree))
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield Import(module, alias.name, node.lineno, None, node in at_top)
            case ast.ImportFrom(names=names):
                source = _absolute(module, node)
                for alias in names:
                    whole = f"{source}.{alias.name}"
                    found, name = (whole, None) if whole in sources() else (source, alias.name)
                    yield Import(module, found, node.lineno, name, node in at_top)


def _absolute(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module if sources()[module].name == "__init__.py" else module.rpartition(".")[0]
    for _ in range(node.level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{node.module}" if node.module else package


def _run_on_import(node: ast.AST) -> Iterator[ast.AST]:
    """The statements that run when the module is imported: not those in functions, nor for type checkers alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            yield from (inner for statement in child.orelse for inner in (statement, *_run_on_import(statement)))
            continue
        yield child
        yield from _run_on_import(child)


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def own_name(module: str) -> str:
    return module.removeprefix("chatops").removeprefix(".")


def rows_of(module: str) -> list[str]:
    """The table's rows for a module, the shortest name first."""
    return sorted((row for row in MAY_IMPORT if within(own_name(module), row)), key=len)


def test_the_parser_sees_imports() -> None:
    """Guard against passing because nothing was found."""
    assert len(sources()) > 40
    assert any(found.imported == "chatops.errors" for found in imports())
    assert any(found.imported.startswith("azure.") and not found.at_top for found in imports())
    assert any(within(found.imported, "chatops.localcloud") for found in imports())


def test_every_module_has_a_row() -> None:
    assert [module for module in sources() if own_name(module) and not rows_of(module)] == []


def test_imports_keep_to_the_table() -> None:
    broken = []
    for found in imports():
        if not within(found.imported, "chatops") or found.imported == "chatops":
            continue
        rows = rows_of(found.importer)
        allowed = {rows[0]}.union(*(MAY_IMPORT[row] for row in rows)) if rows else set()
        if not any(within(own_name(found.imported), package) for package in allowed):
            broken.append(str(found))
    assert broken == []


def test_kinds_take_only_public_names_from_each_other() -> None:
    broken = [
        str(found)
        for found in imports()
        if within(found.importer, "chatops.resources")
        and within(found.imported, "chatops.resources")
        and (found.name is None or found.name.startswith("_"))
    ]
    assert broken == []


@pytest.mark.parametrize(("library", "home"), ONLY_IN.items())
def test_libraries_stay_in_their_package(library: str, home: str) -> None:
    broken = [
        str(found)
        for found in imports()
        if within(found.imported, library) and not within(found.importer, f"chatops.{home}")
    ]
    assert broken == []


def test_azure_sdks_are_imported_when_needed() -> None:
    """They cost 0.5 to 3 seconds each; outside azure/ no module needs one to be imported, the local cloud never."""
    broken = [
        str(found)
        for found in imports()
        if within(found.imported, "azure")
        and not within(found.importer, "chatops.azure")
        and (found.at_top or within(found.importer, "chatops.localcloud"))
    ]
    assert broken == []


def test_no_import_is_hidden_from_this_test() -> None:
    calls = [
        f"{module}:{node.lineno}"
        for module, path in sources().items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in {"__import__", "import_module"}
    ]
    assert calls == []


@pytest.mark.parametrize("module", sorted(sources()))
def test_size_and_words(module: str) -> None:
    text = sources()[module].read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) <= MAX_FILE_LINES
    assert FORBIDDEN_NAMES.isdisjoint(module.split("."))
    assert ast.get_docstring(tree), f"{module} does not say what it is"
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    too_long = {node.name: node.end_lineno - node.lineno + 1 for node in functions if node.end_lineno is not None}
    assert {name: lines for name, lines in too_long.items() if lines > MAX_FUNCTION_LINES} == {}
