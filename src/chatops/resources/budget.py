"""Budget of the stack's group, with alerts. https://learn.microsoft.com/azure/templates/microsoft.consumption/budgets

It warns, it never stops anything. The amount is in the currency of the subscription's bill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chatops.azure.calls import calling, deleting
from chatops.azure.clients import Azure
from chatops.cost.meter import NO_CHARGE, Meters
from chatops.engine.resource import Json, Known, Report, Update
from chatops.resources.arm import ArmResource

if TYPE_CHECKING:
    from azure.mgmt.consumption import types


@dataclass(frozen=True, kw_only=True)
class Budget(ArmResource):
    type = "Microsoft.Consumption/budgets"
    words = "budget"
    api_version = "2024-08-01"
    exact = frozenset({"properties.notifications"})
    goes_with_parent = True

    amount: int
    emails: Sequence[str]
    actual: Sequence[int]
    forecast: Sequence[int]

    @property
    def scope(self) -> str:
        return self.id.split("/providers/")[0]

    def body(self, known: Known) -> Json:
        notifications = {
            f"{kind}-{percent}": self._notification(kind, percent)
            for kind, percents in (("Actual", self.actual), ("Forecasted", self.forecast))
            for percent in percents
        }
        properties = {
            "category": "Cost",
            "amount": self.amount,
            "timeGrain": "Monthly",
            "notifications": notifications,
        }
        return {"properties": properties}

    def _notification(self, kind: str, percent: int) -> types.Notification:
        return {
            "enabled": True,
            "operator": "GreaterThanOrEqualTo",
            "threshold": percent,
            "thresholdType": kind,
            "contactEmails": list(self.emails),
            "contactRoles": ["Owner"],
        }

    def meters(self, body: Any) -> Meters:
        return NO_CHARGE

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        first = datetime.now(UTC).strftime("%Y-%m-01T00:00:00Z")
        body["properties"]["timePeriod"] = {"startDate": first}
        self._put(azure, "creating", body)

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        # the service takes an update only with the eTag of what it changes
        whole = {key: value for key, value in update.whole.items() if key in ("eTag", "properties")}
        self._put(azure, "updating", whole)

    def _put(self, azure: Azure, doing: str, body: Any) -> None:
        with calling(doing, self.label):
            azure.consumption.budgets.create_or_update(self.scope, self.name, body)

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            azure.consumption.budgets.delete(self.scope, self.name)
