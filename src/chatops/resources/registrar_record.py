"""DNS record that somebody has to type elsewhere: it is looked for at the name servers, and waited for.

It is written by no one here. Its `create` watches the authoritative servers until they answer as they should.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal

from chatops.azure.clients import Azure
from chatops.azure.limits import at_most
from chatops.cost.meter import NO_CHARGE, Meters
from chatops.domain.doctor import diagnose
from chatops.domain.finding import Finding, Wanted
from chatops.domain.seen import Seen
from chatops.engine.resource import Json, Known, Observed, Report, Update
from chatops.errors import ChatopsError, Interrupted
from chatops.resources.host import APP_VERSION, Host, domain_of

RIGHT = "as it should be"
LOOK_SECONDS = 5.0
LOCAL_LOOK_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class RegistrarRecord:
    """`about`: the proof of ownership (TXT) or the route to the app (CNAME, or A). `seconds` says how long to wait."""

    immutable = frozenset[str]()
    exact = frozenset[str]()
    precious = False
    goes_with_parent = False
    parent: str | None = None

    address: str
    host: Host
    about: Literal["proof", "route"]
    seconds: float
    needs: tuple[str, ...] = ()

    @property
    def patience(self) -> float:
        return at_most(self.seconds)

    @property
    def name(self) -> str:
        return f"asuid.{self.host.name}" if self.about == "proof" else self.host.name

    @property
    def type(self) -> str:
        return "TXT" if self.about == "proof" else "A" if self.host.apex else "CNAME"

    @property
    def label(self) -> str:
        return f"record {self.type} {self.name} at its registrar"

    def body(self, known: Known) -> Json:
        return {"answer": RIGHT}

    def meters(self, body: Any) -> Meters:
        return NO_CHARGE

    def read(self, azure: Azure) -> Observed | None:
        """What is not right counts as not there. Nothing of it is the stack's: `down` leaves it, and says so."""
        seen, wanted = self.host.seen(azure), self.host.wanted(azure)
        if wanted.target is None:
            values = ", ".join(seen.values(self.host.name, self.type)) if self.about == "route" else ""
            return Observed({}, exists=False, note=f"leads to {values}, of another environment") if values else None
        finding = self._finding(seen, wanted)
        if finding and finding.code == "servers-silent" and self._is_bound(azure):
            return Observed({"answer": RIGHT}, note=f"bound, but {finding.found}", ours=False)
        return Observed({}, exists=False, note=finding.found) if finding else Observed({"answer": RIGHT}, ours=False)

    def _is_bound(self, azure: Azure) -> bool:
        """Where no name server can be reached from here, a name that Azure has proven once is taken as it is."""
        return domain_of(azure.read(self.host.app_id, APP_VERSION), self.host.name) is not None

    def _finding(self, seen: Seen, wanted: Wanted) -> Finding | None:
        return diagnose(seen, wanted, ("zone", self.about))

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        deadline = time.monotonic() + self.patience
        pause = LOOK_SECONDS if azure.cloud.dns is None else LOCAL_LOOK_SECONDS
        wanted, told = self.host.wanted(azure), ""
        while finding := self._finding(seen := self.host.seen(azure), wanted):
            if told != (told := f"{now(seen, self.name, self.type)} - {finding.found}"):
                report(told)
            left = deadline - time.monotonic()
            if left <= 0:
                raise ChatopsError(f"{self.label} is not right: {finding.found}", finding.hint)
            if azure.stop.wait(min(pause, left)):
                raise Interrupted("stopped waiting for a record")

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        self.create(azure, update.whole, report)

    def delete(self, azure: Azure, report: Report) -> None:
        return


WITHOUT = {"NOERROR": "nothing", "NXDOMAIN": "no such name", "SILENT": "no answer"}


def now(seen: Seen, name: str, type: str) -> str:
    """Say what the authoritative servers answer, and who says so: `nothing (ns1), 20.1.2.3 (ns2, ns3)`."""
    said: dict[str, list[str]] = {}
    for answer in seen.answers.get((name, type), ()):
        text = " and ".join(answer.values) or WITHOUT.get(answer.status, answer.status)
        said.setdefault(text, []).append(answer.server)
    return ", ".join(f"{text} ({', '.join(servers)})" for text, servers in said.items()) or "no server answers"
