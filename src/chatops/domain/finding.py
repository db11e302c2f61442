"""What the doctor says: the one thing that is wrong, who must mend it, the records to paste; and what it goes by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chatops.domain.records import Record


@dataclass(frozen=True)
class Certificate:
    """How a host's certificate is: Azure's `state`, its `error` when it failed, for how many seconds it is pending."""

    state: str = "none"
    error: str = ""
    pending_seconds: float = 0.0


@dataclass(frozen=True)
class Wanted:
    """What a host name needs, and what Azure knows about it.

    `proof` is the subscription's verification id, `target` the app's generated name, `address` the environment's;
    None while there is no app. `suffix` ends the names of all of the environment's apps. `zone_servers` serve the zone
    where it is in Azure DNS. `taken_by` is the id of another app that holds the host already.
    """

    host: str
    service: str
    proof: str | None
    target: str | None
    address: str | None
    suffix: str = ""
    managed: bool = True
    external: bool = True
    restricted: bool = False
    zone: str | None = None
    zone_servers: tuple[str, ...] = ()
    taken_by: str | None = None
    certificate: Certificate = field(default_factory=Certificate)
    until: str | None = None
    """When a certificate of the operator's own ends (ISO 8601), and in how many days."""
    days_left: float | None = None
    siblings: Mapping[str, str] = field(default_factory=dict)
    """Generated name -> service, of the environment's other apps."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. `code` names the case, `about` what it stops: zone, proof, route, certificate or app.

    `who` must do `do`; `records` are to be there, `remove` to be gone.
    """

    code: str
    about: str
    found: str
    who: str
    do: str
    records: tuple[Record, ...] = ()
    remove: tuple[Record, ...] = ()

    def __str__(self) -> str:
        return self.found

    @property
    def hint(self) -> str:
        """Who must do what, with the records to paste, in one line."""
        paste = "; ".join(record.line() for record in self.records)
        return f"{self.who}: {self.do}" + (f": {paste}" if paste else "")
