"""What all kinds that live in Azure Resource Manager share: an id, one way to be read, and words for messages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

from chatops.azure.calls import calling
from chatops.azure.clients import Azure
from chatops.azure.limits import at_most
from chatops.cost.meter import UNPRICED, Meters
from chatops.engine.resource import Json, Observed, Report, Update
from chatops.naming import OWNER_TAG

_AT_REST = {"succeeded", "failed", "canceled"}
_BROKEN = {"failed", "canceled", "disabled"}
_SERVER_AT_REST = {"ready", "stopped", "disabled", "inaccessible"}
_OF_THE_SERVICE = ("id", "name", "type", "etag", "systemData")


@dataclass(frozen=True, kw_only=True)
class ArmResource:
    """The identity of one resource. `address` is the stack's own name for it, `id` Azure's."""

    type: ClassVar[str]
    words: ClassVar[str]
    api_version: ClassVar[str]
    immutable: ClassVar[frozenset[str]] = frozenset({"location"})
    exact: ClassVar[frozenset[str]] = frozenset()
    precious: ClassVar[bool] = False
    goes_with_parent: ClassVar[bool] = False
    orphaned: ClassVar[bool] = True
    """Whether `up` deletes it once the configuration no longer names it, if it carries the stack's tag."""
    longest: ClassVar[float] = 900.0
    """Seconds that any operation on it takes at most, well beyond the longest that was recorded."""

    address: str
    id: str
    needs: tuple[str, ...] = ()
    parent: str | None = "group"
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.id.rsplit("/", 1)[-1]

    @property
    def group(self) -> str:
        return self.id.split("/")[4]

    @property
    def label(self) -> str:
        return f"{self.words} '{self.name}'"

    @property
    def patience(self) -> float:
        return at_most(self.longest)

    def meters(self, body: Any) -> Meters:
        """Return what a resource of this kind with this body is billed by; each kind says it for itself."""
        return UNPRICED

    def read(self, azure: Azure) -> Observed | None:
        body = azure.read(self.id, self.api_version)
        return None if body is None else self.found(body)

    def found(self, body: Json, note: str = "") -> Observed:
        """Return what was read, with whether it carries the stack's tag (None where this kind has no tags)."""
        ours = (body.get("tags") or {}).get(OWNER_TAG) == self.tags[OWNER_TAG] if self.tags else None
        return Observed(body, busy=is_busy(body), broken=is_broken(body), note=note, ours=ours)


class WholeResource(ArmResource, ABC):
    """A kind that is made and changed by the same PUT of all that it is."""

    @abstractmethod
    def put(self, azure: Azure, body: Any) -> None:
        """Send the whole resource and wait until it is there."""

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        with calling("creating", self.label):
            self.put(azure, body)

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        with calling("updating", self.label):
            self.put(azure, writable(update.whole))


def is_busy(body: Json) -> bool:
    """Tell whether an operation runs on a resource, by its `provisioningState` or, for PostgreSQL, its `state`."""
    properties = body.get("properties") or {}
    if state := properties.get("provisioningState"):
        return str(state).lower() not in _AT_REST
    if "fullyQualifiedDomainName" in properties:
        return str(properties.get("state", "ready")).lower() not in _SERVER_AT_REST
    return False


def is_broken(body: Json) -> bool:
    """Tell whether the last operation on a resource failed."""
    properties = body.get("properties") or {}
    state = properties.get("provisioningState") or properties.get("state", "")
    return str(state).lower() in _BROKEN


def writable(body: Json) -> Any:
    """Return a merged body without what only the service may say."""
    return {key: value for key, value in body.items() if key not in _OF_THE_SERVICE}
