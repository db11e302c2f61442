"""Proof that the first revision of a new container app answers: the same gate that later ones pass before any traffic.

It comes after the apps that this one calls, for its smoke test may ask them. A plan has it for apps that it makes and
for those whose tag says that they never passed; see `chatops.rollout.first`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.azure.clients import Azure
from chatops.cost.meter import NO_CHARGE, Meters
from chatops.engine.resource import Json, Known, Observed, Report, Update
from chatops.resources.app import ContainerApp
from chatops.rollout.first import prove
from chatops.rollout.standing import waits


@dataclass(frozen=True, kw_only=True)
class Proof:
    immutable = frozenset[str]()
    exact = frozenset[str]()
    precious = False
    goes_with_parent = True

    app: ContainerApp
    needs: tuple[str, ...]

    @property
    def address(self) -> str:
        return f"proven/{self.app.name}"

    @property
    def parent(self) -> str | None:
        return self.app.address

    @property
    def label(self) -> str:
        return f"proof of {self.app.label}"

    @property
    def patience(self) -> float:
        return self.app.patience

    def body(self, known: Known) -> Json:
        return {"proved": True}

    def meters(self, body: Any) -> Meters:
        return NO_CHARGE

    def read(self, azure: Azure) -> Observed | None:
        app = self.app.place.app(azure)
        return None if app is None or waits(app) else Observed(self.body(Known({})))

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        prove(azure, self.app.place, self.app.gate, report)

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        raise NotImplementedError("what is proved stays so")

    def delete(self, azure: Azure, report: Report) -> None:
        raise NotImplementedError("it goes with its app")
