"""A new app's first revision: it is proved like every other, and the app is not called deployed before that.

The app is made with a tag that says that this is still to come. So whoever looks next, after a kill or after a
revision that failed, knows it from the app alone.
"""

from __future__ import annotations

from chatops.azure.clients import Azure
from chatops.rollout.gate import Candidate, Gate, Report, admit
from chatops.rollout.revisions import Json, Place
from chatops.rollout.rollout import wake
from chatops.rollout.standing import GATE, WAITING


def waiting(body: Json) -> Json:
    """Return the body of an app that is made, marked as one that has not passed the gate."""
    return {**body, "tags": {**(body.get("tags") or {}), GATE: WAITING}}


def prove(azure: Azure, place: Place, gate: Gate, report: Report) -> None:
    """Let the app's latest revision pass the gate, and note on the app that it did. Raises GateFailed."""
    latest = str((place.app(azure) or {})["properties"]["latestRevisionName"])
    candidate = Candidate(azure, place, latest, report)
    wake(candidate)
    admit(candidate, gate)
    app = place.app(azure) or {}
    place.patch(azure, {"location": app["location"], "tags": {**(app.get("tags") or {}), GATE: latest}})
