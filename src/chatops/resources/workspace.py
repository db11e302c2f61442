"""Log Analytics workspace, with a daily cap. https://learn.microsoft.com/azure/templates/microsoft.operationalinsights/workspaces"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import calling, deleting, wait
from chatops.azure.clients import Azure
from chatops.cost.meter import NOTHING, Counted, Meter, Meters, number
from chatops.engine.resource import Json, Known, Report
from chatops.resources.arm import WholeResource

FREE_DAYS = 31


@dataclass(frozen=True, kw_only=True)
class LogWorkspace(WholeResource):
    type = "Microsoft.OperationalInsights/workspaces"
    words = "Log Analytics workspace"
    api_version = "2025-07-01"

    location: str
    tags: dict[str, str]
    retention_days: int
    daily_cap_gb: float

    def body(self, known: Known) -> Json:
        return {
            "location": self.location,
            "tags": self.tags,
            "properties": {
                "sku": {"name": "PerGB2018"},
                "retentionInDays": self.retention_days,
                "workspaceCapping": {"dailyQuotaGb": self.daily_cap_gb},
            },
        }

    def meters(self, body: Any) -> Meters:
        """What is taken in, up to the daily cap, and what is kept beyond the 31 days that are free.

        https://learn.microsoft.com/azure/azure-monitor/logs/cost-logs
        """
        properties = body["properties"]
        quota = number((properties.get("workspaceCapping") or {}).get("dailyQuotaGb"))
        cap = quota if quota > 0 else None
        months = max(number(properties.get("retentionInDays")) - FREE_DAYS, NOTHING) / 30
        taken_in = Meter("logs/ingestion", Counted.LOGS, cap=cap)
        kept = Meter("logs/retention", Counted.LOGS, months, cap=cap)
        return (taken_in, kept) if months else (taken_in,)

    def put(self, azure: Azure, body: Any) -> None:
        workspaces = azure.workspaces.workspaces
        wait(workspaces.begin_create_or_update(self.group, self.name, body), azure.stop, self.longest)

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            wait(azure.workspaces.workspaces.begin_delete(self.group, self.name, force=True), azure.stop, self.longest)


def shared_key(azure: Azure, workspace_id: str) -> str:
    """Return the workspace's key, to be put straight into a request body and nowhere else."""
    group, name = workspace_id.split("/")[4], workspace_id.rsplit("/", 1)[-1]
    with calling("reading the key of", f"Log Analytics workspace '{name}'"):
        return azure.workspaces.shared_keys.get_shared_keys(group, name).primary_shared_key or ""
