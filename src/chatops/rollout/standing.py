"""How an app stands, told from its revisions and traffic alone. Pure: the whole memory of a rollout is in Azure.

steady        Single mode: the latest ready revision has everything
pinned        Multiple mode: one revision has everything by name, no other is active; where a return ends
under way     Multiple mode: something else is active or shares the traffic; where a rollout was, or is
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chatops.rollout.revisions import Revision

PREVIOUS = "chatops-previous"
"""The app's tag with the revisions that served before the one that was rolled out last, the latest first."""
TAG_CHARACTERS = 256  # Azure's limit

GATE, WAITING = "chatops-gate", "waiting"
"""The app's tag with the first revision that passed the gate; it is made waiting for one."""

LATEST = [{"latestRevision": True, "weight": 100}]


@dataclass(frozen=True)
class Standing:
    """`serving` gets most of the traffic, `latest` was made last; `others` are active beside `serving`.

    What somebody has put a label on is not among the others: it is there for who asks for it by its label.
    """

    single: bool
    serving: str
    latest: str
    others: tuple[str, ...] = ()
    whole: bool = True

    @property
    def settled(self) -> bool:
        """Whether nothing is under way."""
        return self.single or (not self.others and self.whole)

    @property
    def pinned(self) -> bool:
        return not self.single and self.settled

    def __str__(self) -> str:
        if self.single:
            return "serves its latest revision"
        if self.pinned:
            return f"pinned to revision {self.serving}"
        others = ", ".join(self.others) or self.latest
        share = "" if self.whole else ", which has a part of the traffic"
        return f"a rollout or a rollback was interrupted: {self.serving} serves, beside it {others}{share}"


def pinned_to(revision: str) -> list[dict[str, Any]]:
    """Traffic that goes to one revision by name."""
    return [{"revisionName": revision, "weight": 100}]


def labels_of(app: dict[str, Any]) -> dict[str, str]:
    """Return the labels of an app's traffic, each with the revision that answers to it."""
    properties = app["properties"]
    traffic = (properties["configuration"].get("ingress") or {}).get("traffic") or []
    ready = str(properties.get("latestReadyRevisionName") or "")
    return {str(one["label"]): str(one.get("revisionName") or ready) for one in traffic if one.get("label")}


def with_labels(traffic: Sequence[dict[str, Any]], app: dict[str, Any]) -> list[dict[str, Any]]:
    """Return traffic by name with the app's labels where they are: nobody but who set them moves them."""
    entries = [dict(one) for one in traffic]
    for label, revision in labels_of(app).items():
        free = (one for one in entries if one["revisionName"] == revision and "label" not in one)
        if (entry := next(free, None)) is None:
            entries.append(entry := {"revisionName": revision, "weight": 0})
        entry["label"] = label
    return entries


def standing(app: dict[str, Any], revisions: Sequence[Revision]) -> Standing:
    """Tell how an app stands by its body and its revisions."""
    properties = app["properties"]
    configuration = properties["configuration"]
    latest = str(properties.get("latestRevisionName") or "")
    ready = str(properties.get("latestReadyRevisionName") or latest)
    if is_single(app):
        return Standing(True, ready, latest)
    shares = _shares((configuration.get("ingress") or {}).get("traffic") or [], ready)
    # of two equal halves the older one is who served before
    age = {one.name: one.created for one in revisions}
    serving = min(shares, key=lambda name: (-shares[name], age.get(name, ""))) if shares else ready
    kept = {serving, *labels_of(app).values()}
    others = tuple(one.name for one in revisions if one.active and one.name not in kept)
    whole = shares.get(serving) == 100 and _by_name((configuration.get("ingress") or {}).get("traffic") or [])
    return Standing(False, serving, latest, others, whole)


def is_single(app: dict[str, Any]) -> bool:
    """Whether an app's body is one of Single mode, Azure's default."""
    configuration = app.get("properties", {}).get("configuration", {})
    return str(configuration.get("activeRevisionsMode") or "Single").lower() == "single"


def waits(app: dict[str, Any]) -> bool:
    """Whether no revision of an app has passed the gate since chatops made it."""
    return (app.get("tags") or {}).get(GATE) == WAITING


def serves(app: dict[str, Any]) -> bool:
    """Whether some revision was ever ready and proved: before that nobody is to be kept from harm."""
    return bool(app["properties"].get("latestReadyRevisionName")) and not waits(app)


def changes_what_runs(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether two bodies of an app differ in images or environments: what only a rollout may change."""
    return _run(before) != _run(after)


def _run(app: dict[str, Any]) -> dict[str, Any]:
    containers = app["properties"]["template"].get("containers") or []
    return {
        one.get("name"): (str(one.get("image")).lower(), sorted(map(_variable, one.get("env") or [])))
        for one in containers
    }


def _variable(variable: dict[str, Any]) -> tuple[str, str, str]:
    return (str(variable.get("name")), str(variable.get("value") or ""), str(variable.get("secretRef") or ""))


def as_it_serves(app: dict[str, Any], now: Standing, serving: Revision) -> dict[str, Any]:
    """The app's body as its users have it: made of the revision that serves, not of the one that was made last.

    One that is pinned to that revision and at rest is shown in Single mode, for that is what it amounts to.
    """
    configuration = app["properties"]["configuration"]
    if now.settled:
        configuration = {**configuration, "activeRevisionsMode": "Single"}
    own = {"template": serving.template, "latestRevisionName": serving.name, "configuration": configuration}
    return {**app, "properties": {**app["properties"], **own}}


def _shares(traffic: Sequence[dict[str, Any]], ready: str) -> dict[str, int]:
    shares: dict[str, int] = {}
    for one in traffic:
        if weight := int(one.get("weight") or 0):
            name = ready if one.get("latestRevision") else str(one.get("revisionName"))
            shares[name] = shares.get(name, 0) + weight
    return shares


def _by_name(traffic: Sequence[dict[str, Any]]) -> bool:
    return not any(one.get("latestRevision") and one.get("weight") for one in traffic)


def _served(app: dict[str, Any]) -> list[str]:
    return str((app.get("tags") or {}).get(PREVIOUS) or "").split(",")


def remembering(app: dict[str, Any], previous: str) -> dict[str, str]:
    """Return the app's tags with the revision that served until now; the oldest are forgotten."""
    names = ",".join(dict.fromkeys([previous, *filter(None, _served(app))]))
    if len(names) > TAG_CHARACTERS:
        names = names[: TAG_CHARACTERS + 1].rpartition(",")[0]
    return {**(app.get("tags") or {}), PREVIOUS: names}


def last_good(app: dict[str, Any], revisions: Sequence[Revision], stands: Standing) -> Revision | None:
    """The revision to go back to, always an older one. None when there is none.

    After an interruption, the elder of those that run: a rollback is finished, a rollout taken back. At rest, what
    served before, by the app's tag: the gate may have refused what else there is. For want of a tag, the newest one
    that ran something else, did not fail and is not from before the first that passed the gate.
    """
    known = {one.name: one for one in revisions}
    now = known.get(stands.serving)
    if now is None:
        return None
    if beside := [known[name] for name in stands.others if name in known]:
        newest = max(beside, key=lambda one: one.created)
        return newest if newest.created < now.created else now
    older = sorted((one for one in revisions if one.created < now.created), key=lambda one: one.created, reverse=True)
    if served := [known[name] for name in _served(app) if name in known]:
        return next((one for one in served if one in older), None)
    first = known.get(str((app.get("tags") or {}).get(GATE) or ""))
    older = [one for one in older if first is None or one.created >= first.created]
    return next((one for one in older if one.provisioning != "Failed" and _differs(one, now)), None)


def _differs(one: Revision, other: Revision) -> bool:
    return one.template.get("containers") != other.template.get("containers")
