"""Everything that the doctor wants to know about one host name, asked of the servers that hold it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from chatops.domain.authority import Authority
from chatops.domain.seen import PROPER, Answer, Seen

LONGEST_CHAIN = 5


def look(authority: Authority, host: str) -> Seen:
    """Ask about `host`, its proof, where they are often put by mistake, and about who may issue certificates."""
    zone = authority.zone(host)
    if zone.status not in PROPER:
        return Seen(host, zone)
    questions = list(dict.fromkeys(_questions(host, zone.name)))
    with ThreadPoolExecutor(8, thread_name_prefix="look") as pool:
        trust = pool.submit(authority.chain_of_trust, zone.name)
        answers = dict(zip(questions, pool.map(lambda question: authority.ask(*question), questions), strict=True))
    seen = Seen(host, zone, answers, trust.result())
    _follow(authority, seen, answers)
    return seen


def _questions(host: str, zone: str) -> Iterator[tuple[str, str]]:
    yield from ((host, type) for type in ("A", "AAAA", "CNAME", "TXT", "MX"))
    yield f"asuid.{host}", "TXT"
    yield f"asuid.{host}.{zone}", "TXT"
    yield f"{host}.{zone}", "CNAME"
    yield f"{host}.{zone}", "A"
    yield f"asuid.{zone}", "TXT"
    name = host
    while "." in name:
        yield name, "CAA"
        name = name.partition(".")[2]


def _follow(authority: Authority, seen: Seen, answers: dict[tuple[str, str], tuple[Answer, ...]]) -> None:
    """Follow aliases on, so that a chain that ends at the app can be told from one that leads elsewhere."""
    for _ in range(LONGEST_CHAIN):
        last = seen.chain[-1:]
        if not last or (last[0], "CNAME") in answers:
            return
        answers[(last[0], "CNAME")] = authority.ask(last[0], "CNAME")
