"""One request to Key Vault's data plane: whose vault, which secret, who asks, and whether they may."""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..control.roles import authorize
from ..control.vaults import DOMAIN, by_name
from ..identity import VAULT, Claims, bearer
from ..store import Body, Record
from ..world import World
from .secrets import RECOVERY, Shelf, version_of

NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
ACTION = "Microsoft.KeyVault/vaults/secrets/"
# what the access policies of a vault without RBAC call each data action
POLICIES = {
    "getSecret/action": "get",
    "setSecret/action": "set",
    "readMetadata/action": "list",
    "update/action": "set",
    "delete": "delete",
    "recover/action": "recover",
    "purge/action": "purge",
}


class VaultError(Exception):
    """An error of the data plane: status, code, sentence, and the inner code that tells why."""

    def __init__(self, status: int, code: str, message: str, inner: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.inner = status, code, inner

    def response(self, challenge: str) -> Response:
        """As an answer; a 401 carries the challenge."""
        error: Body = {"code": self.code, "message": str(self)}
        if self.inner:
            error["innererror"] = {"code": self.inner}
        headers = {"WWW-Authenticate": challenge} if self.status == 401 else {}
        return JSONResponse({"error": error}, self.status, headers)


class Session:
    """One request: whose vault, which secret, and whether the caller may."""

    def __init__(self, world: World, request: Request) -> None:
        self.world = world
        self.request = request
        self.claims = self._claims()
        self.vault = self._vault()
        self.shelf = Shelf(world.store, self.vault.name)
        self.name = request.path_params.get("name", "")
        if "name" in request.path_params and not NAME.fullmatch(self.name):
            raise VaultError(400, "BadParameter", f"The request URI contains an invalid name: {self.name}")

    def _claims(self) -> Claims:
        if not (token := bearer(self.request.headers)):
            raise VaultError(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.")
        claims = self.world.tokens.verify(token, VAULT)
        if claims is None:
            text = "AKV10022: Invalid audience or the token has expired. Expected https://vault.azure.net."
            raise VaultError(401, "Unauthorized", text)
        return claims

    def _vault(self) -> Record:
        host = self.request.headers["host"].split(":")[0].lower()
        vault = by_name(self.world, host.removesuffix(f".{DOMAIN}"))
        if vault is None:
            raise VaultError(404, "VaultNotFound", f"There is no vault at {host}.")
        return vault

    def allow(self, action: str) -> None:
        """Refuse what neither a role nor an access policy of the vault grants."""
        if self.vault.properties["enableRbacAuthorization"]:
            scope = f"{self.vault.id}/secrets/{self.name}" if self.name else self.vault.id
            if not authorize(self.world, self.claims.oid, ACTION + action, scope, data=True):
                raise self._forbidden(action, scope)
        elif not self._policy(POLICIES[action]):
            caller = f"appid={self.claims.appid};oid={self.claims.oid}"
            text = f"The user, group or application '{caller}' does not have secrets {POLICIES[action]} permission."
            raise VaultError(403, "Forbidden", text, "AccessDenied")

    def _policy(self, permission: str) -> bool:
        for policy in self.vault.properties["accessPolicies"]:
            granted = {str(name).lower() for name in policy.get("permissions", {}).get("secrets", [])}
            if policy.get("objectId", "").lower() == self.claims.oid and granted & {permission, "all"}:
                return True
        return False

    def _forbidden(self, action: str, scope: str) -> VaultError:
        lines = (
            "Caller is not authorized to perform action on resource.",
            "If role assignments, deny assignments or role definitions were changed recently, please observe "
            "propagation time.",
            f"Caller: appid={self.claims.appid};oid={self.claims.oid};iss=https://sts.windows.net/{self.claims.tid}/",
            f"Action: '{ACTION}{action}'",
            f"Resource: '{scope.lower()}'",
            "Assignment: (not found)",
            f"Vault: {self.vault.name};location={self.vault.body['location']}",
        )
        return VaultError(403, "Forbidden", "\r\n".join(lines), "ForbiddenByRbac")

    def live(self) -> Body:
        """The secret, unless it is absent or deleted."""
        secret = self.shelf.find(self.name)
        if secret is None or secret["deleted"]:
            raise not_found(self.name)
        return secret

    def gone(self) -> Body:
        """The deleted secret that can still be recovered."""
        secret = self.shelf.find(self.name)
        if secret is None or not secret["deleted"]:
            text = f"Deleted secret not found: {self.name}"
            raise VaultError(404, "SecretNotFound", text)
        return secret

    async def json(self) -> Body:
        """The request's object."""
        try:
            found: Any = json.loads(await self.request.body() or b"{}")
        except ValueError as failure:
            raise VaultError(400, "BadParameter", f"The request body is not JSON: {failure}") from failure
        if not isinstance(found, dict):
            raise VaultError(400, "BadParameter", "The request body must be an object.")
        return found

    @property
    def days(self) -> int:
        return int(self.vault.properties["softDeleteRetentionInDays"])

    def address(self, kind: str, name: str) -> str:
        return f"https://{self.vault.name.lower()}.{DOMAIN}/{kind}/{name}"

    def item(self, secret: Body, version: Body, *, value: bool, versioned: bool = True) -> Body:
        """A version as the data plane shows it; lists leave the value out."""
        address = self.address("secrets", secret["name"])
        level = {"recoveryLevel": RECOVERY, "recoverableDays": self.days}
        shown: Body = {"id": f"{address}/{version['version']}" if versioned else address}
        shown["attributes"] = {**version["attributes"], **level}
        for member in ("contentType", "tags", *(("value",) if value else ())):
            if member in version:
                shown[member] = version[member]
        return shown

    def deleted_item(self, secret: Body) -> Body:
        version = version_of(secret, None) or {}
        address = self.address("deletedsecrets", secret["name"])
        return {**self.item(secret, version, value=False), "recoveryId": address, **secret["deleted"]}


def not_found(name: str) -> VaultError:
    text = (
        f"A secret with (name/id) {name} was not found in this key vault. If you recently deleted this secret you may "
        "be able to recover it using the correct recovery command. For help resolving this issue, please see "
        "https://go.microsoft.com/fwlink/?linkid=2125182"
    )
    return VaultError(404, "SecretNotFound", text)
