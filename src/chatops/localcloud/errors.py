"""The error envelopes of Azure's management API, and the errors that every provider shares.

Codes, statuses and sentences are those recorded from the real service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import JSONResponse

from .ids import GROUP, Id

MORE = "For more details please go to https://aka.ms/ARMResourceNotFoundFix"


class ArmError(Exception):
    """An error answer: HTTP status, Azure's code and sentence, inner details; `headers` go with the answer.

    A few providers answer `flat`: code and message without the enclosing `error`.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Sequence[Mapping[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        flat: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = details
        self.headers = dict(headers or {})
        self.flat = flat

    @property
    def error(self) -> dict[str, Any]:
        """The inner object: code, message and what else is known."""
        found: dict[str, Any] = {"code": self.code, "message": str(self)}
        if self.details is not None:
            found["details"] = [dict(detail) for detail in self.details]
        return found

    @property
    def envelope(self) -> dict[str, Any]:
        return self.error if self.flat else {"error": self.error}


def plain(status: int, code: str, message: str) -> JSONResponse:
    """An error answer where nobody catches an ArmError."""
    return JSONResponse(ArmError(status, code, message).envelope, status)


def gateway(status: int, code: str, message: str, **more: Any) -> ArmError:
    """An error made by ARM itself rather than by a provider; Azure marks it with a header."""
    headers = {"x-ms-failure-cause": "gateway", **more.pop("headers", {})}
    return ArmError(status, code, message, headers=headers, **more)


def group_missing(name: str) -> ArmError:
    return gateway(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")


def missing(id: Id, type: str) -> ArmError:
    """What a read of an absent resource answers; `type` in the provider's own spelling."""
    if type == GROUP:
        return group_missing(id.name)
    path = "/".join((type, *id.names)) if not id.nested else interleaved(type, id.names)
    return gateway(
        404, "ResourceNotFound", f"The Resource '{path}' under resource group '{id.group}' was not found. {MORE}"
    )


def interleaved(type: str, names: Sequence[str]) -> str:
    """`NS/type/name/child/name`: how ARM spells a nested resource in its sentences."""
    namespace, *types = type.split("/")
    return "/".join((namespace, *(part for pair in zip(types, names, strict=False) for part in pair)))


def parent_missing(parent: str) -> ArmError:
    return gateway(
        404,
        "ParentResourceNotFound",
        f"Can not perform requested operation on nested resource. Parent resource '{parent}' not found.",
    )


def group_deleting(name: str) -> ArmError:
    return gateway(
        409,
        "ResourceGroupBeingDeleted",
        f"The resource group '{name}' is in deprovisioning state and cannot perform this operation.",
    )


def invalid_body(message: str) -> ArmError:
    return gateway(
        400, "InvalidRequestContent", f"The request content was invalid and could not be deserialized: '{message}'."
    )


def forbidden(oid: str, action: str, scope: str) -> ArmError:
    return gateway(
        403,
        "AuthorizationFailed",
        f"The client '{oid}' with object id '{oid}' does not have authorization to perform action '{action}' over "
        f"scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
    )


def unauthenticated(origin: str, tenant: str, code: str = "AuthenticationFailed") -> ArmError:
    """401 with the challenge; `code` tells a missing token from a bad or expired one."""
    sentences = {
        "AuthenticationFailed": "Authentication failed. The 'Authorization' header is missing.",
        "InvalidAuthenticationToken": "The access token is invalid.",
        "ExpiredAuthenticationToken": "The access token expiry UTC time is earlier than current UTC time.",
    }
    challenge = (
        f'Bearer authorization_uri="{origin}/{tenant}", error="invalid_token", error_description="{sentences[code]}"'
    )
    return gateway(401, code, sentences[code], headers={"WWW-Authenticate": challenge, "Connection": "close"})


def unsupported(method: str) -> ArmError:
    return gateway(405, "MethodNotAllowed", f"The requested resource does not support http method '{method}'.")


def unknown_version(type: str, version: str, known: Sequence[str], regions: Sequence[str]) -> ArmError:
    return gateway(
        400,
        "NoRegisteredProviderFound",
        f"No registered resource provider found for location '' and API version '{version}' for type '{type}'. The "
        f"supported api-versions are '{', '.join(known)}'. The supported locations are '{', '.join(regions)}'.",
    )


def unknown_namespace(namespace: str) -> ArmError:
    return gateway(404, "InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid.")


def unknown_type(namespace: str, type: str, version: str) -> ArmError:
    return gateway(
        404,
        "InvalidResourceType",
        f"The resource type '{type}' could not be found in the namespace '{namespace}' for api version '{version}'. "
        "The supported api-versions are those that the local cloud accepts for the types it has.",
    )
