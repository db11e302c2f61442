"""What every part of the local cloud shares: store, operations, identities and settings of this world."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .billing.ledger import Ledger
from .certificates import Certificates
from .conditions import Switchboard
from .data.build import Builds
from .data.resolver import Resolver
from .identity import Tokens
from .operations import Operations
from .runtime.contract import Runtime
from .store import Store
from .trouble.desk import Desk

if TYPE_CHECKING:
    from .control.kind import Kind


@dataclass(frozen=True)
class Settings:
    """Made once per home and kept."""

    home: Path
    subscription: str
    tenant: str
    client_id: str
    operator: str

    @property
    def scope(self) -> str:
        return f"/subscriptions/{self.subscription}"


@dataclass
class World:
    """One world of one daemon. `origin` is where the management API answers, e.g. https://127.0.0.1:41234.

    `kinds` is the table of resource types by lower-case name; `closing` is set when the daemon is told to stop; `desk`
    has the latency, the faults and how many seconds role assignments need to reach the data planes;
    `resolver` asks this world's name server, `certificates` has its authority issue; `conditions` are the limits that
    the operator has set.
    """

    settings: Settings
    store: Store
    operations: Operations
    tokens: Tokens
    origin: str
    kinds: Mapping[str, Kind]
    runtime: Runtime
    builds: Builds
    desk: Desk
    resolver: Resolver
    certificates: Certificates
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    conditions: Switchboard = field(init=False)
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.conditions = Switchboard(self.store)
        self.ledger = Ledger(self.store)
