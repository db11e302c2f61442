"""Microsoft.OperationalInsights: Log Analytics workspaces and their keys.

https://learn.microsoft.com/rest/api/loganalytics/workspaces
"""

from __future__ import annotations

import base64
import secrets
import uuid
from datetime import timedelta

from .. import clock
from ..errors import ArmError
from ..resource_types import WORKSPACE
from ..store import Body, Record
from .kind import Call, Change, Kind, NameRule, States

SKUS = {"free", "standard", "premium", "pernode", "pergb2018", "standalone", "capacityreservation", "lacluster"}


def _check(change: Change) -> None:
    sku = str(change.properties["sku"].get("name", ""))
    if sku.lower() not in SKUS:
        raise ArmError(400, "InvalidParameter", f"'sku.name' property is invalid: '{sku}'.")
    days = change.properties["retentionInDays"]
    if not isinstance(days, int) or not (days == 7 or 30 <= days <= 730):
        text = f"'RetentionInDays' property is invalid: {days}. It must be 30 to 730."
        raise ArmError(400, "InvalidParameter", text)


def _fill(change: Change) -> None:
    properties, moment = change.properties, clock.iso()
    properties.setdefault("customerId", str(uuid.uuid4()))
    properties.setdefault("createdDate", moment)
    properties["modifiedDate"] = moment
    properties["sku"].setdefault("lastSkuUpdate", moment)
    reset = clock.iso(clock.now().replace(hour=6, minute=0, second=0, microsecond=0) + timedelta(days=1))
    properties["workspaceCapping"].setdefault("quotaNextResetTime", reset)
    if not change.record.hidden:
        keys = [base64.b64encode(secrets.token_bytes(64)).decode() for _ in range(2)]
        change.record.hidden = {"primarySharedKey": keys[0], "secondarySharedKey": keys[1]}


async def _keys(call: Call, record: Record) -> Body:
    return record.hidden


KINDS = (
    Kind(
        WORKSPACE,
        name=NameRule(
            r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
            "InvalidWorkspaceName",
            "The workspace name '{name}' is invalid: 4 to 63 letters, digits and hyphens, no hyphen at either end.",
        ),
        put="workspace.put",
        delete="workspace.delete",
        states=States(creating="Creating"),
        etag=True,
        rank=45,
        kept=("customerId", "createdDate"),
        defaults={
            "sku": {"name": "PerGB2018"},
            "retentionInDays": 30,
            "features": {"legacy": 0, "searchVersion": 1, "enableLogAccessUsingOnlyResourcePermissions": True},
            "workspaceCapping": {"dailyQuotaGb": -1.0, "dataIngestionStatus": "RespectQuota"},
            "publicNetworkAccessForIngestion": "Enabled",
            "publicNetworkAccessForQuery": "Enabled",
        },
        check=_check,
        fill=_fill,
        actions={"sharedKeys": _keys},
    ),
)
