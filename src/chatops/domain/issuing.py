"""What keeps a certificate from being issued, renewed or trusted: CAA records, closed doors, time."""

from __future__ import annotations

import re

from chatops.domain.finding import Finding, Wanted
from chatops.domain.records import Record
from chatops.domain.seen import Seen
from chatops.domain.zones import keeper

ISSUER = "digicert.com"
"""Who issues Azure's managed certificates."""
LONG_PENDING = 20 * 60.0
"""Seconds. One that was recorded took 70; az warns that it may take 20 minutes."""
WARN_DAYS = 30.0
YOU = "you"
_CAA = re.compile(r'(\d+) (\w+) "?([^";]*)[^"]*"?')


def forbidden(seen: Seen, wanted: Wanted) -> Finding | None:
    """The closest CAA records do not name the issuer (RFC 8659)."""
    if not wanted.managed:
        return None
    name = seen.host
    while "." in name:
        if records := seen.values(name, "CAA"):
            return _judged(seen, name, records)
        name = name.partition(".")[2]
    return None


def _judged(seen: Seen, name: str, records: tuple[str, ...]) -> Finding | None:
    parsed = [match.groups() for text in records if (match := _CAA.fullmatch(text))]
    issuers = [value.strip() for _, tag, value in parsed if tag == "issue"]
    if not issuers or ISSUER in issuers:
        return None
    allowed = ", ".join(issuer or "nobody" for issuer in issuers)
    found = f"CAA of {name} lets {allowed} issue certificates, and Azure's are issued by {ISSUER}"
    record = Record(name, "CAA", f'0 issue "{ISSUER}"')
    return Finding("caa-forbids", "certificate", found, keeper(seen), "add it beside the others", (record,))


def closed(seen: Seen, wanted: Wanted) -> Finding | None:
    """The issuer comes from the internet and has to get in."""
    if wanted.target is not None and not wanted.external:
        found = f"{wanted.service} is not external, so nobody outside reaches it by {seen.host}"
        return Finding("not-external", "app", found, YOU, f"set services.{wanted.service}.external: true, chatops up")
    if wanted.managed and wanted.restricted:
        found = f"{wanted.service} lets only some addresses in, and the issuer's are not among them"
        do = "remove the IP restrictions from its ingress, or bring a certificate of your own"
        return Finding("ingress-restricted", "certificate", found, YOU, do)
    return None


def stuck(seen: Seen, wanted: Wanted) -> Finding | None:
    """Azure has not issued it, though nothing is wrong that can be seen from here."""
    certificate = wanted.certificate
    again = f"chatops domain bind {seen.host} makes a new one"
    if certificate.state.lower() in ("failed", "canceled"):
        found = f"the certificate of {seen.host} failed: {certificate.error or 'Azure gives no reason'}"
        return Finding("certificate-failed", "certificate", found, YOU, again)
    if certificate.state.lower() == "pending" and certificate.pending_seconds > LONG_PENDING:
        minutes = f"{certificate.pending_seconds / 60:.0f} minutes"
        found = f"the certificate of {seen.host} is pending for {minutes}, though its records are right"
        do = f"wait for the issuer, or delete it: chatops domain unbind {seen.host}, then {again}"
        return Finding("certificate-pending", "certificate", found, "Azure", do)
    return None


def expiring(seen: Seen, wanted: Wanted) -> Finding | None:
    """A certificate of the operator's own does not renew itself."""
    if wanted.managed or wanted.days_left is None or wanted.days_left > WARN_DAYS:
        return None
    do = f"chatops domain bind {seen.host} --certificate FILE with a new one"
    if wanted.days_left <= 0:
        found = f"the certificate of {seen.host} expired {-wanted.days_left:.0f} days ago"
        return Finding("certificate-expired", "certificate", found, YOU, do)
    found = f"the certificate of {seen.host} expires in {wanted.days_left:.0f} days"
    return Finding("certificate-expiring", "certificate", found, YOU, do)


RULES = (closed, forbidden, stuck, expiring)
