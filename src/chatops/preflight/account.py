"""Who is signed in, where: the credential, its tenant, the subscription."""

from __future__ import annotations

from collections.abc import Iterator

from chatops.azure.clients import Azure
from chatops.preflight.check import Finding, Wanted

API = "2022-12-01"


def credential(azure: Azure, wanted: Wanted) -> Iterator[Finding]:
    """A token can be had, and it is of the configured tenant."""
    who = azure.operator
    if wanted.tenant and wanted.tenant != who.tenant:
        yield Finding(
            "credential",
            f"signed in to tenant {who.tenant}, but azure.tenant is {wanted.tenant}",
            f"az login --tenant {wanted.tenant}",
        )
        return
    yield Finding("credential", f"{who.kind} {who.object_id} of tenant {who.tenant}")


def subscription(azure: Azure, wanted: Wanted) -> Iterator[Finding]:
    """The subscription is there, enabled, and of the tenant that one is signed in to."""
    body = azure.read(wanted.subscription_id, API)
    name = wanted.subscription_id.rsplit("/", 1)[-1]
    if body is None:
        todo = "correct azure.subscription; `az account list -o table` shows the ones that you can see"
        yield Finding("subscription", f"there is no subscription {name}, or you cannot see it", todo)
        return
    if body.get("tenantId") and body["tenantId"] != azure.operator.tenant:
        todo = f"az login --tenant {body['tenantId']}"
        yield Finding("subscription", f"{name} belongs to tenant {body['tenantId']}, you are in another", todo)
    elif body.get("state") not in ("Enabled", "Warned", None):
        yield Finding("subscription", f"{name} is {body['state']}", "enable it in the portal, or use another one")
    else:
        yield Finding("subscription", f"{body.get('displayName')} ({name})")
