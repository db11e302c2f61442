"""Runs the checks: the account first, since nothing can be read without one, then all others at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from chatops.azure.clients import Azure
from chatops.errors import CloudError
from chatops.preflight.account import credential, subscription
from chatops.preflight.builder import builder
from chatops.preflight.check import Check, Finding, Wanted
from chatops.preflight.database import database
from chatops.preflight.group import address_space, group
from chatops.preflight.names import registry_name, server_name, vault_name
from chatops.preflight.permissions import permissions
from chatops.preflight.providers import providers
from chatops.preflight.quotas import quotas

ACCOUNT: tuple[Check, ...] = (credential, subscription)
CHECKS: tuple[Check, ...] = (
    permissions,
    providers,
    database,
    quotas,
    registry_name,
    vault_name,
    server_name,
    group,
    address_space,
    builder,
)


def examine(azure: Azure, wanted: Wanted) -> list[Finding]:
    """Return all findings, in the order of CHECKS; only those of the account when it will not do. Reads only."""
    found: list[Finding] = []
    for check in ACCOUNT:
        found += _made(check, azure, wanted)
        if not all(finding.passed for finding in found):
            return found
    with ThreadPoolExecutor(len(CHECKS), thread_name_prefix="preflight") as pool:
        for findings in pool.map(lambda check: _made(check, azure, wanted), CHECKS):
            found += findings
    return found


def _made(check: Check, azure: Azure, wanted: Wanted) -> list[Finding]:
    try:
        return list(check(azure, wanted))
    except CloudError as error:
        todo = error.hint or "run chatops doctor again"
        return [Finding(check.__name__.replace("_", " "), error.message, todo)]
