"""The schema as a table of fields: what a field takes in words, which keys a section has, where a key belongs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MultipleOf
from pydantic.fields import FieldInfo

from chatops.config.schema import Config
from chatops.config.schema.rules import Says, Section

NAME = "<name>"
"""Stands in paths for a key that the operator chooses: `services.<name>.cpu`."""


@dataclass(frozen=True)
class Kind:
    """What a value may be: `type` without None and Annotated, and the constraints found on the way."""

    type: Any
    metadata: tuple[Any, ...] = ()
    optional: bool = False

    @property
    def section(self) -> type[Section] | None:
        """The section's model, when the value is a section of its own."""
        return self.type if isinstance(self.type, type) and issubclass(self.type, Section) else None

    @property
    def words(self) -> str:
        """What the value may be: "an integer from 1 to 1000"."""
        return self._words() + (", or null" if self.optional else "")

    def _words(self) -> str:
        if said := [item.text for item in self.metadata if isinstance(item, Says)]:
            return said[-1]
        if get_origin(self.type) is Literal:
            return "one of: " + ", ".join(str(value) for value in get_args(self.type))
        if self.section is not None:
            return "a mapping with any of: " + ", ".join(self.section.model_fields)
        if get_origin(self.type) is dict:
            return f"a mapping of names to {_plural(kind(get_args(self.type)[1]))}"
        return {bool: "true or false", str: "text"}.get(self.type) or self._number()

    def _number(self) -> str:
        bounds: dict[str, Any] = {}
        for item in self.metadata:
            if isinstance(item, Ge | Le | MultipleOf):
                bounds |= asdict(item)
        step = bounds.get("multiple_of")
        noun = f"a multiple of {step}" if step else {int: "an integer", float: "a number"}[self.type]
        least, most = (f"{bound:,.12g}" if bound >= 1e6 else f"{bound:.12g}" for bound in (bounds["ge"], bounds["le"]))
        return f"{noun} from {least} to {most}"


def _plural(value: Kind) -> str:
    return f"{value.section.__name__.lower()}s" if value.section else "text"


def kind(annotation: Any, metadata: tuple[Any, ...] = ()) -> Kind:
    """Unwrap Annotated and `X | None`."""
    if metadata_of := getattr(annotation, "__metadata__", None):
        return kind(annotation.__origin__, (*_flat(metadata_of), *metadata))
    if get_origin(annotation) in (Union, UnionType):
        inner = kind(next(arg for arg in get_args(annotation) if arg is not type(None)), metadata)
        return Kind(inner.type, inner.metadata, optional=True)
    return Kind(annotation, metadata)


def _flat(metadata: tuple[Any, ...]) -> Iterator[Any]:
    for item in metadata:
        yield from item.metadata if isinstance(item, FieldInfo) else (item,)


def kind_of(field: FieldInfo) -> Kind:
    """What the field takes."""
    return kind(field.annotation, tuple(field.metadata))


def kind_at(path: tuple[str | int, ...], *, key: bool = False) -> Kind | None:
    """What stands at `path` of the YAML; with `key`, what its last part may be called. None: no such place."""
    here = Kind(Config)
    for position, part in enumerate(path):
        if here.section is not None:
            field = here.section.model_fields.get(str(part))
            if field is None:
                return None
            here = kind_of(field)
        elif get_origin(here.type) is dict:
            named, held = get_args(here.type)
            here = kind(named if key and position == len(path) - 1 else held)
        elif get_origin(here.type) is tuple:
            here = kind(get_args(here.type)[0])
        else:
            return None
    return here


@dataclass(frozen=True)
class Row:
    """One field of the schema. `default` is the value itself, or REQUIRED."""

    path: str
    kind: Kind
    default: Any
    description: str


REQUIRED = object()


def rows(section: type[Section] = Config, prefix: str = "") -> Iterator[Row]:
    """Every field, sections before what is in them, in the file's order."""
    for name, field in section.model_fields.items():
        here = kind_of(field)
        path = f"{prefix}{name}"
        yield Row(path, here, REQUIRED if field.is_required() else field.default, field.description or "")
        if here.section:
            yield from rows(here.section, f"{path}.")
        elif get_origin(here.type) is dict:
            held = kind(get_args(here.type)[1])
            if held.section:
                yield from rows(held.section, f"{path}.{NAME}.")


def homes(key: str) -> list[str]:
    """The sections that have a field of that name, as paths."""
    found = (row.path.rpartition(".") for row in rows())
    return [section for section, _, name in found if name == key]
