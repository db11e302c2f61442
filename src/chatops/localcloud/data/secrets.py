"""The secrets of all vaults: versions, attributes, soft delete. Both planes read them here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from .. import clock
from ..store import Body, Store

SPACE = "secrets"
RECOVERY = "Recoverable+Purgeable"


@dataclass(frozen=True)
class Shelf:
    """The secrets of one vault by name. A document holds its versions, newest last, and since when it is deleted."""

    store: Store
    vault: str

    def key(self, name: str) -> str:
        return f"{self.vault.lower()}/{name.lower()}"

    def find(self, name: str) -> Body | None:
        return self.store.get(SPACE, self.key(name))

    def all(self) -> list[Body]:
        return [body for _, body in self.store.below(SPACE, self.vault.lower())]

    def save(self, secret: Body) -> None:
        self.store.put(SPACE, self.key(secret["name"]), secret)

    def purge(self, name: str) -> None:
        self.store.delete(SPACE, self.key(name))

    def clear(self) -> None:
        """Forget everything: the vault was purged."""
        with self.store.together():
            for secret in self.all():
                self.purge(secret["name"])

    def end_retention(self) -> None:
        """Forget what was deleted for as long as it could be recovered."""
        for secret in self.all():
            if secret["deleted"] and secret["deleted"]["scheduledPurgeDate"] <= clock.epoch():
                self.purge(secret["name"])

    def add(self, name: str, wanted: Body) -> tuple[Body, Body]:
        """A new version of a secret (made on first use); returns the secret and the version."""
        secret = self.find(name) or {"name": name, "versions": [], "deleted": None}
        moment = clock.epoch()
        version: Body = {
            "version": secrets.token_hex(16),
            "value": wanted["value"],
            "attributes": {"enabled": True, **wanted.get("attributes", {}), "created": moment, "updated": moment},
            "tags": wanted.get("tags", {}),
        }
        if "contentType" in wanted:
            version["contentType"] = wanted["contentType"]
        secret["versions"].append(version)
        self.save(secret)
        return secret, version

    def delete(self, secret: Body, days: int) -> None:
        """Mark as deleted; recoverable for `days`."""
        moment = clock.now()
        purge = clock.epoch(moment + timedelta(days=days))
        secret["deleted"] = {"deletedDate": clock.epoch(moment), "scheduledPurgeDate": purge}
        self.save(secret)


def version_of(secret: Body, version: str | None) -> Body | None:
    """One version, the newest when none is named."""
    for found in reversed(secret["versions"]):
        if not version or found["version"] == version:
            return dict(found)
    return None
