"""The doctor: from what the name servers answer and what Azure knows to the one thing that is wrong. Pure."""

from __future__ import annotations

from dataclasses import replace

from chatops.domain import issuing, proofs, routes, zones
from chatops.domain.finding import Finding, Wanted
from chatops.domain.seen import Seen


def _absent(seen: Seen, wanted: Wanted) -> Finding | None:
    if wanted.target is not None:
        return None
    found = f"there is no container app '{wanted.service}' for {seen.host} to lead to"
    return Finding("no-app", "app", found, "you", "chatops up")


def _taken(seen: Seen, wanted: Wanted) -> Finding | None:
    if wanted.taken_by is None:
        return None
    found = f"{seen.host} is bound already, to {wanted.taken_by}"
    do = "unbind it there first (az containerapp hostname delete): a name belongs to one app"
    return Finding("bound-elsewhere", "proof", found, "whoever owns that app", do)


CHATOPS = "chatops (run `chatops up`)"
RULES = (*zones.RULES, _absent, _taken, *proofs.RULES, *routes.RULES, *issuing.RULES)
"""In this order: what stands first makes what follows pointless to say."""


def diagnose(seen: Seen, wanted: Wanted, about: tuple[str, ...] = ()) -> Finding | None:
    """Return the first thing that is wrong, None when nothing is; `about` limits it to findings about these steps."""
    findings = (rule(seen, wanted) for rule in RULES)
    found = next((found for found in findings if found and (not about or found.about in about)), None)
    return replace(found, who=CHATOPS) if found and wanted.zone and _kept_by_chatops(found) else found


def _kept_by_chatops(found: Finding) -> bool:
    """In a zone of Azure DNS chatops writes proof and route itself; it takes nobody else's records away."""
    own = {(record.name, record.type) for record in found.records}
    return found.about in ("proof", "route") and own >= {(record.name, record.type) for record in found.remove}
