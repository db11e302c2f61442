"""What the engine asks of a resource: one protocol, and the values that pass through it.

A resource says what it should be (`body`), what it is (`read`) and how it is written (`create`, `update`, `delete`).
Bodies are plain JSON in the wire names of the cloud, checked against its own types where it publishes any. `C` is the
handle of whatever cloud the resources live in; the engine only passes it on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

Json = dict[str, Any]
Report = Callable[[str], None]

C = TypeVar("C", contravariant=True)


@dataclass(frozen=True)
class Unknown:
    """Stands for a value that exists only after its resource has been written, e.g. a principal id."""

    address: str
    path: str

    def __str__(self) -> str:
        return "(known after apply)"


@dataclass(frozen=True)
class Observed:
    """What a read found.

    `busy`: an operation runs on it. `broken`: the last one failed. `exists` is false for what can only be brought back.
    `ours` tells whether it carries the stack's mark; None where no mark can be put: then it goes by what it lies in.
    """

    body: Json
    busy: bool = False
    broken: bool = False
    exists: bool = True
    note: str = ""
    ours: bool | None = None


@dataclass(frozen=True)
class Update:
    """An update in two forms: the `whole` merged resource for a PUT, or only what changes for a JSON merge PATCH."""

    whole: Any
    patch: Any


class Known:
    """The outputs of resources that exist: `known("identity", "properties.principalId")`."""

    def __init__(self, bodies: Mapping[str, Json]) -> None:
        self._bodies = bodies

    def __call__(self, address: str, path: str) -> Any:
        """Return the value at the dotted `path` of the resource at `address`, `Unknown` when there is none yet."""
        value: Any = self._bodies.get(address)
        for key in path.split("."):
            if not isinstance(value, dict) or value.get(key) is None:
                return Unknown(address, path)
            value = value[key]
        return value


class Resource(Protocol[C]):
    """One thing the stack is made of. Addresses read `kind/name` and are unique in a stack."""

    @property
    def address(self) -> str: ...

    @property
    def label(self) -> str:
        """Kind and name in words, for messages: "PostgreSQL server 'chat-db'"."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Addresses that must be there before this one is written, and are deleted after it."""

    @property
    def parent(self) -> str | None:
        """The address without which this one cannot exist."""

    @property
    def goes_with_parent(self) -> bool:
        """Deleting the parent deletes this too."""

    @property
    def immutable(self) -> frozenset[str]:
        """Paths (and everything below) that can't change in place: a change there means replace."""

    @property
    def exact(self) -> frozenset[str]:
        """Paths of lists and maps that are wholly ours: what we don't declare there is removed."""

    @property
    def precious(self) -> bool:
        """Holds what can't be made again; never replaced by a plan."""

    @property
    def patience(self) -> float:
        """Seconds after which an operation on it is no longer waited for."""

    def body(self, known: Known) -> Any: ...

    def read(self, cloud: C) -> Observed | None:
        """Return what is there, None for a 404 and nothing else."""

    def create(self, cloud: C, body: Any, report: Report) -> None: ...

    def update(self, cloud: C, update: Update, report: Report) -> None: ...

    def delete(self, cloud: C, report: Report) -> None: ...
