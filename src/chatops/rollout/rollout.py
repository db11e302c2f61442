"""The one way in which a changed image or environment reaches an app's users.

begin     Multiple mode, all traffic pinned to what serves, and the new template, in one write: a revision without
          traffic. What an interrupted rollout left is taken up if it is the same, ended if not.
gate      it gets ready, answers its health endpoint and passes a smoke test, or is deactivated: nothing has changed
          for anybody.
shift     the traffic moves, at once or in steps.
settle    Single mode with the latest revision, as it was before; the tag `chatops-previous` says who served. An app
          whose revisions have labels stays in Multiple mode, which alone knows labels, pinned to the latest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.azure.clients import Azure
from chatops.errors import CloudError, GateFailed
from chatops.rollout.gate import Candidate, Gate, Report, admit
from chatops.rollout.revisions import Json, Place
from chatops.rollout.shift import Shift, give, shift
from chatops.rollout.standing import LATEST, Standing, labels_of, pinned_to, remembering, standing, with_labels


@dataclass(frozen=True)
class Order:
    """What to roll out: the whole template, a JSON merge patch of all else, and how."""

    template: Json
    patch: Json
    gate: Gate
    how: Shift


def look(azure: Azure, place: Place) -> tuple[Json, Standing]:
    """Return the app as Azure has it, and how it stands."""
    app = place.app(azure) or {}
    return app, standing(app, place.revisions(azure))


def roll_out(azure: Azure, place: Place, order: Order, report: Report) -> None:
    """Bring up what `order` describes beside what serves, prove it, and give it the traffic.

    Raises GateFailed when it is refused: then it is deactivated and what served before serves all.
    """
    app, before = look(azure, place)
    if not before.settled:
        azure.tell(f"{place.name}: {before}; going on from there")
    serving = before.serving
    app = _begin(azure, place, order, app, serving)
    candidate = Candidate(azure, place, str(app["properties"]["latestRevisionName"]), report)
    _end_others(candidate, before, serving)
    if candidate.name != serving:
        wake(candidate)
        try:
            admit(candidate, order.gate)
            shift(candidate, serving, order.how)
        except GateFailed as failure:
            _give_back(candidate, serving)
            raise failure.serving(serving) from failure
        settle(candidate, serving)
    else:  # it has the traffic already: an earlier run was stopped before its last step
        settle(candidate, next(iter(before.others), serving))


def _begin(azure: Azure, place: Place, order: Order, app: Json, serving: str) -> Json:
    properties = dict(order.patch.get("properties") or {})
    configuration = dict(properties.get("configuration") or {})
    ingress = {**(configuration.get("ingress") or {}), "traffic": with_labels(pinned_to(serving), app)}
    properties["configuration"] = {**configuration, "activeRevisionsMode": "Multiple", "ingress": ingress}
    # the app's own template is that of its latest revision, which need not be the one that serves
    properties["template"] = replacing(app["properties"]["template"], order.template)
    return place.patch(azure, {**order.patch, "location": app["location"], "properties": properties})


def replacing(before: Json, after: Json) -> Json:
    """The JSON merge patch that makes `before` into `after`, said in full. A suffix is never used again."""
    gone = {name: None for name in before if name not in after or name == "revisionSuffix"}
    nested = {
        name: replacing(before[name], value)
        for name, value in after.items()
        if isinstance(value, dict) and isinstance(before.get(name), dict)
    }
    return {**after, **nested, **gone}


def _end_others(candidate: Candidate, before: Standing, serving: str) -> None:
    for name in before.others:
        if name not in (candidate.name, serving):
            candidate.report(f"{name}: deactivating what an earlier rollout left")
            candidate.place.deactivate(candidate.azure, name)


def wake(candidate: Candidate) -> None:
    """A revision of an earlier attempt, with the same template, that failed, ended or sleeps: start it again, fresh."""
    azure, place, name = candidate.azure, candidate.place, candidate.name
    found = place.revision(azure, name)
    if found is None or (found.active and found.replicas and found.provisioning != "Failed"):
        return
    if found.active and found.provisioning == "Provisioning":
        return  # it has only just begun
    if found.active:
        place.deactivate(azure, name)
    place.activate(azure, name)


def _give_back(candidate: Candidate, serving: str) -> None:
    """All traffic to what served before; the candidate ends. What it left behind is seen by whoever looks next."""
    candidate.report(f"{candidate.name}: giving the traffic back to {serving}")
    give(candidate, pinned_to(serving))
    try:
        candidate.place.deactivate(candidate.azure, candidate.name)
    except CloudError as error:
        candidate.azure.tell(f"{candidate.place.name}: {candidate.name} could not be deactivated: {error}")


def settle(candidate: Candidate, previous: str) -> None:
    """Back to Single mode, where the latest revision is the only one: it is the one that serves by now."""
    azure, place = candidate.azure, candidate.place
    app, now = look(azure, place)
    body: dict[str, Any] = {"location": app["location"]}
    stays = now.serving != now.latest or bool(labels_of(app))
    if not stays:
        single = {"activeRevisionsMode": "Single", "ingress": {"traffic": LATEST}}
        body["properties"] = {"configuration": single}
    if previous != now.serving:
        body["tags"] = remembering(app, previous)
    if len(body) > 1:
        candidate.report(f"{now.serving}: serves alone from now on")
        place.patch(azure, body)
    for name in now.others if stays else ():
        place.deactivate(azure, name)
