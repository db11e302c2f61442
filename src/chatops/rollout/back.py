"""Back to a revision that Azure still has: activate it, wait until it is ready, give it the traffic, end the other.

The app rests pinned to that revision, in Multiple mode: in Single mode Azure would bring the latest one back.
No smoke test is run: it would cost the time of those who wait, and this revision served before.
"""

from __future__ import annotations

from chatops.azure.clients import Azure
from chatops.errors import ChatopsError
from chatops.rollout.gate import Candidate, Report, ready
from chatops.rollout.revisions import Place
from chatops.rollout.rollout import look
from chatops.rollout.shift import give
from chatops.rollout.standing import pinned_to


def go_back(azure: Azure, place: Place, revision: str, ready_within: float, report: Report) -> None:
    """Let `revision` serve alone. Raises GateFailed when it does not get ready; who served then serves on."""
    _, now = look(azure, place)
    target = Candidate(azure, place, revision, report)
    known = place.revision(azure, revision)
    if known is None:
        raise ChatopsError(f"going back to revision '{revision}': Azure does not have it any more")
    if now.serving != revision:
        report(f"{now.serving}: keeps the traffic until {revision} is ready")
        give(target, pinned_to(now.serving))
    if not known.active:
        place.activate(azure, revision)
    ready(target, ready_within)
    report(f"{revision}: all of the traffic")
    give(target, pinned_to(revision))
    _, then = look(azure, place)
    for name in then.others:
        report(f"{name}: ends")
        place.deactivate(azure, name)
