"""ARM resource ids: splitting a request path into scope, provider, types and names, without regard to case."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

GROUP = "Microsoft.Resources/resourceGroups"
SUBSCRIPTION = "Microsoft.Resources/subscriptions"


@dataclass(frozen=True)
class Id:
    """A path below the management endpoint, split as ARM reads it.

    `scope` is what the provider part hangs under: a resource group, a subscription, or for an extension resource such
    as a role assignment any other id. `rest` is a last segment without a name: a collection to list or an action to
    call.
    """

    text: str
    scope: str
    namespace: str
    types: tuple[str, ...]
    names: tuple[str, ...]
    rest: str | None = None

    @cached_property
    def key(self) -> str:
        return self.text.lower()

    @property
    def type(self) -> str:
        return "/".join((self.namespace, *self.types))

    @property
    def name(self) -> str:
        return self.names[-1]

    @property
    def parent(self) -> str | None:
        """The id of what must exist first: the enclosing resource, else the scope; None for a resource group."""
        if self.type == GROUP:
            return None
        if len(self.names) > 1:
            return self.text.rsplit("/", 2)[0]
        return self.scope

    @property
    def nested(self) -> bool:
        return len(self.names) > 1

    @property
    def group(self) -> str | None:
        """The name of the resource group that the id lies in."""
        parts = self.text.split("/")
        return parts[4] if len(parts) > 4 and parts[3].lower() == "resourcegroups" else None

    @property
    def subscription(self) -> str:
        return self.text.split("/")[2]


def parse(path: str) -> Id | None:
    """Split `path` (no query); None when it is no id of a resource, a collection or an action."""
    text = "/" + path.strip("/")
    parts = text.split("/")[1:]
    lowered = [part.lower() for part in parts]
    if "" in parts or not parts:
        return None
    if "providers" in lowered[2:] or lowered[0] == "providers":
        at = len(lowered) - 1 - lowered[::-1].index("providers")
        return _provider_id(text, parts, at)
    if len(parts) >= 3 and lowered[0] == "subscriptions" and lowered[2] == "resourcegroups":
        return _group_id(text, parts)
    if len(parts) == 2 and lowered[0] == "subscriptions":
        return Id(text, "", "Microsoft.Resources", ("subscriptions",), (parts[1],))
    return None


def _group_id(text: str, parts: list[str]) -> Id | None:
    scope = "/".join(("", *parts[:2]))
    if len(parts) == 3:
        return Id(text, scope, "Microsoft.Resources", (), (), "resourceGroups")
    if len(parts) > 5:
        return None
    return Id(text, scope, "Microsoft.Resources", ("resourceGroups",), (parts[3],), (*parts, None)[4])


def _provider_id(text: str, parts: list[str], at: int) -> Id | None:
    tail = parts[at + 1 :]
    if len(tail) < 2:
        return None
    scope = "/" + "/".join(parts[:at]) if at else ""
    types, names = tuple(tail[1::2]), tuple(tail[2::2])
    if len(types) == len(names):
        return Id(text, scope, tail[0], types, names)
    return Id(text, scope, tail[0], types[:-1], names, types[-1])


def within(key: str, scope: str) -> bool:
    """Whether the id `key` is `scope` or lies below it; both lower-case."""
    return key == scope or key.startswith(scope.rstrip("/") + "/")
