"""Microsoft.Consumption: budgets of a resource group, held against what Cost Management says was spent.

https://learn.microsoft.com/rest/api/consumption/budgets. Nobody is written to from here: alerts are Azure's to send.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from ..errors import ArmError
from ..store import Body
from .kind import Change, Kind, NameRule, States

BUDGET = "Microsoft.Consumption/budgets"
GRAINS = ("Monthly", "Quarterly", "Annually", "BillingMonth", "BillingQuarter", "BillingAnnual")
OPERATORS = ("EqualTo", "GreaterThan", "GreaterThanOrEqualTo")
FIRST = "2017-06-01"
MOST_NOTIFICATIONS = 5


def _refuse(text: str) -> ArmError:
    return ArmError(400, "400", text)


def _check(change: Change) -> None:
    properties = change.properties
    known = change.previous.body["eTag"] if change.previous else None
    if (sent := change.call.body.get("eTag")) and sent != known:
        raise ArmError(412, "412", "The budget was changed by somebody else: its eTag is another one now.")
    if not isinstance(properties.get("amount"), int | float) or properties["amount"] <= 0:
        raise _refuse("Amount should be greater than 0.")
    if properties.get("category") != "Cost":
        raise _refuse("Category should be Cost.")
    if properties.get("timeGrain") not in GRAINS:
        raise _refuse(f"Invalid time grain. Supported values: {', '.join(GRAINS)}.")
    _check_period(properties.get("timePeriod") or {})
    notifications: dict[str, Body] = properties.get("notifications") or {}
    if len(notifications) > MOST_NOTIFICATIONS:
        raise _refuse(f"A budget can have at most {MOST_NOTIFICATIONS} notifications.")
    for name, notification in notifications.items():
        _check_notification(name, notification)


def _check_period(period: Body) -> None:
    start, end = str(period.get("startDate") or "")[:10], str(period.get("endDate") or "9999-12-31")[:10]
    if not start.endswith("-01") or start < FIRST or not _is_date(start) or not _is_date(end):
        raise _refuse(f"Start date should be the first of a month on or after {FIRST}.")
    if end <= start:
        raise _refuse("Start date should be less than end date.")


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _check_notification(name: str, notification: Body) -> None:
    if notification.get("operator") not in OPERATORS:
        raise _refuse(f"Notification '{name}': invalid operator. Supported values: {', '.join(OPERATORS)}.")
    threshold = notification.get("threshold")
    if not isinstance(threshold, int | float) or not 0 <= threshold <= 1000:
        raise _refuse(f"Notification '{name}': threshold should be between 0 and 1000.")
    if not any(notification.get(who) for who in ("contactEmails", "contactGroups", "contactRoles")):
        raise _refuse(f"Notification '{name}': at least one contact email, contact group or contact role is required.")


def _fill(change: Change) -> None:
    start = str(change.properties["timePeriod"]["startDate"])
    change.properties["timePeriod"].setdefault("endDate", f"{int(start[:4]) + 10}{start[4:]}")
    change.record.body["eTag"] = f'"{uuid.uuid4().hex[:16]}"'


KINDS = (
    Kind(
        BUDGET,
        name=NameRule(r"[A-Za-z0-9_-]{1,63}"),
        put="budget.put",
        patch=None,
        states=States(member=None),
        location=None,
        rank=10,
        check=_check,
        fill=_fill,
    ),
)
