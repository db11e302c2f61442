"""What can be wrong with the TXT record that proves ownership: missing, misplaced, or not what Azure looks for."""

from __future__ import annotations

from chatops.domain.finding import Finding, Wanted
from chatops.domain.records import Record, proof
from chatops.domain.seen import Seen
from chatops.domain.zones import keeper


def unproven(seen: Seen, wanted: Wanted) -> Finding | None:
    """Tell what keeps Azure from finding the verification id at `asuid.<host>`."""
    if wanted.proof is None:
        return None
    record = proof(seen.host, wanted.proof)
    behind = seen.without(record.name, "TXT", record.value)
    if record.value in seen.values(record.name, "TXT"):
        return _behind(seen, record, behind) if behind else None
    if behind and len(behind) < len(_proper(seen, record)):
        return _behind(seen, record, behind)
    return _aliased(seen, record) or _misplaced(seen, record) or _misspelt(seen, record) or _missing(seen, record)


def _proper(seen: Seen, record: Record) -> list[str]:
    return [answer.server for answer in seen.answers.get((record.name, record.type), ()) if answer.proper]


def _behind(seen: Seen, record: Record, servers: tuple[str, ...]) -> Finding:
    found = f"{', '.join(servers)} does not have TXT {record.name} yet, others of {seen.zone.name} do"
    do = "wait until all its servers agree; if it lasts, their zone transfers fail"
    return Finding("servers-disagree", "proof", found, keeper(seen), do, (record,))


def _aliased(seen: Seen, record: Record) -> Finding | None:
    aliases = seen.of(record.name, "TXT").aliases
    if not aliases:
        return None
    found = (
        f"{record.name} is an alias of {aliases[0]} (a CNAME, or a wildcard that covers it), so no TXT is found there"
    )
    do = "replace it by this TXT record; a record of its own wins over a wildcard"
    return Finding("proof-is-an-alias", "proof", found, keeper(seen), do, (record,))


def _misplaced(seen: Seen, record: Record) -> Finding | None:
    """The right value at the wrong name: appended twice, at the host itself, or at the zone."""
    doubled = f"{record.name}.{seen.zone.name}"
    places = {
        doubled: ("proof-at-doubled-name", f"TXT is at {doubled}: {seen.zone.name} was appended twice"),
        seen.host: ("proof-at-host", f"TXT is at {seen.host} itself, Azure looks at {record.name}"),
        f"asuid.{seen.zone.name}": (
            "proof-at-zone",
            f"TXT is at asuid.{seen.zone.name}, which proves {seen.zone.name}; for {seen.host} Azure looks at "
            f"{record.name}",
        ),
    }
    for name, (code, found) in places.items():
        if name != record.name and record.value in seen.values(name, "TXT"):
            do = f"give it the name {record.relative(seen.zone.name)}"
            gone = (Record(name, "TXT", record.value),)
            return Finding(code, "proof", found, keeper(seen), do, (record,), gone)
    return None


def _misspelt(seen: Seen, record: Record) -> Finding | None:
    values = seen.values(record.name, "TXT")
    near = next((value for value in values if _bare(value) == _bare(record.value)), None)
    if near is not None:
        found = f"TXT {record.name} holds {near}: the id with something around it"
        code, do = "proof-misspelt", "write it exactly so"
    elif values:
        found = f"TXT {record.name} holds {values[0]}, which is not this subscription's verification id"
        code, do = "proof-of-another", "write this one; others may stay beside it"
        return Finding(code, "proof", found, keeper(seen), do, (record,))
    else:
        return None
    return Finding(code, "proof", found, keeper(seen), do, (record,), (Record(record.name, "TXT", near),))


def _bare(value: str) -> str:
    return "".join(character for character in value.lower() if character.isalnum()).removeprefix("asuid")


def _missing(seen: Seen, record: Record) -> Finding:
    found = f"TXT {record.name} is missing"
    return Finding("proof-missing", "proof", found, keeper(seen), "add it", (record,))


RULES = (unproven,)
