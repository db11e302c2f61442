"""One way to call Azure: failures become errors that say what was being done, why it failed and what to do about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.resources import files
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

from chatops.errors import AuthenticationError, CloudError, Interrupted, NotReachable, OperationFailed

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError
    from azure.core.polling import LROPoller

JsonBody = dict[str, Any]
T = TypeVar("T")

# Microsoft: role assignments can take up to ten minutes; measured in public reports: one to five
GRANT_SECONDS = 600.0
GRANT_RETRY_SECONDS = 5.0


def raw_json(pipeline_response: Any, *_: Any) -> JsonBody:
    """The SDK's `cls` hook: the response's own JSON instead of a model."""
    body: JsonBody = pipeline_response.http_response.json()
    return body


@contextmanager
def calling(doing: str, label: str) -> Iterator[None]:
    """Translate the SDK's exceptions: `calling("creating", "key vault 'x'")`. Raises CloudError and its kinds."""
    from azure.core.exceptions import (
        ClientAuthenticationError,
        HttpResponseError,
        ServiceRequestError,
        ServiceResponseError,
    )

    what = f"{doing} {label}"
    try:
        yield
    except ClientAuthenticationError as error:
        raise AuthenticationError(
            what, _cause(error), code=_code(error), status=error.status_code, hint="az login"
        ) from error
    except HttpResponseError as error:
        raise _translated(what, error) from error
    except (ServiceRequestError, ServiceResponseError) as error:
        raise NotReachable(
            what, str(error.message), hint="check the network, then run the same command again"
        ) from error


@contextmanager
def deleting(label: str) -> Iterator[None]:
    """As `calling`, for deletions: what is gone already is fine."""
    from azure.core.exceptions import ResourceNotFoundError

    with calling("deleting", label), suppress(ResourceNotFoundError):
        yield


def wait(poller: LROPoller[Any], stop: Event) -> None:
    """Wait for a long-running operation. Raises Interrupted when `stop` is set first; the operation goes on."""
    while not poller.done():
        poller.wait(0.1)
        if stop.is_set() and not poller.done():
            raise Interrupted("stopped waiting; the operation goes on")
    poller.result()


def until_granted(call: Callable[[], T], stop: Event, report: Callable[[str], None]) -> T:
    """Repeat `call` while it is refused for want of a role that was only just assigned, for at most ten minutes."""
    deadline = time.monotonic() + GRANT_SECONDS
    while True:
        try:
            return call()
        except CloudError as error:
            if not _is_refusal(error) or time.monotonic() > deadline:
                raise
        report("waiting for the role assignment to take effect")
        if stop.wait(GRANT_RETRY_SECONDS):
            raise Interrupted("stopped waiting for a role assignment")


def _is_refusal(error: CloudError) -> bool:
    return (
        error.status == 403 or "UNAUTHORIZED" in error.cause or (error.code or "") in ("Forbidden", "ForbiddenByRbac")
    )


def _translated(what: str, error: HttpResponseError) -> CloudError:
    code = _code(error)
    failed_later = error.status_code in (200, 201, 202)
    kind = OperationFailed if failed_later else CloudError
    return kind(what, _cause(error), code=code, status=error.status_code, hint=advice().get(code or ""))


def _code(error: HttpResponseError) -> str | None:
    details = getattr(error, "error", None)
    code = getattr(details, "code", None)
    inner = getattr(details, "innererror", None) or {}
    return inner.get("code", code) if isinstance(inner, dict) else code


def _cause(error: HttpResponseError) -> str:
    """Return Azure's own sentence, without the SDK's trailers (code, content, headers)."""
    details = getattr(error, "error", None)
    text = getattr(details, "message", None) or error.message or str(error)
    return " ".join(str(text).split("\nCode:")[0].split("\nContent:")[0].split())


@cache
def advice() -> dict[str, str]:
    """Return what to do about each of Azure's error codes, and where to read on, from `advice.yaml`."""
    from ruamel.yaml import YAML

    text = files("chatops.azure").joinpath("advice.yaml").read_text()
    loaded: dict[str, dict[str, str]] = YAML(typ="safe", pure=True).load(text)
    return {code: f"{about['do']} ({about['doc']})" for code, about in loaded.items()}
