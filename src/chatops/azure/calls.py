"""One way to call Azure: failures become errors that say what was being done, why it failed and what to do about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.resources import files
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

from chatops.azure.limits import at_most
from chatops.errors import AuthenticationError, ChatopsError, CloudError, Interrupted, NotReachable, OperationFailed

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError, HttpResponseError
    from azure.core.polling import LROPoller

JsonBody = dict[str, Any]
T = TypeVar("T")

# Microsoft: role assignments can take up to ten minutes; measured in public reports: one to five
GRANT_SECONDS = 600.0
GRANT_RETRY_SECONDS = 5.0
OPERATION_SECONDS = 1800.0
NOT_FOR_WANT_OF_TIME = {"AuthorizationFailed", "LinkedAuthorizationFailed", "RequestDisallowedByPolicy"}
BY_STATUS = {
    401: "az login",
    403: "ask an owner of the subscription for the role that the message names",
    404: "something that it needs is gone: run the same command again, it reads what is there",
    409: "something else is in the way or under way: run the same command again in a minute",
    412: "it was changed by somebody else meanwhile: run the same command again",
    429: "Azure lets no more calls through for now: run the same command again in a few minutes",
}
"""What to do about a status whose code has no advice."""
AGAIN = "the trouble is on Azure's side: run the same command again, and see https://status.azure.com if it stays"
STUCK = "run the same command again: it waits for the operation; if it stays so, see the resource's activity log"


def raw_json(pipeline_response: Any, *_: Any) -> JsonBody:
    """The SDK's `cls` hook: the response's own JSON instead of a model."""
    body: JsonBody = pipeline_response.http_response.json()
    return body


@contextmanager
def calling(doing: str, label: str) -> Iterator[None]:
    """Translate the SDK's exceptions: `calling("creating", "key vault 'x'")`. Raises CloudError and its kinds."""
    from azure.core.exceptions import (
        AzureError,
        ClientAuthenticationError,
        HttpResponseError,
        ServiceRequestError,
        ServiceResponseError,
    )

    what = f"{doing} {label}"
    try:
        yield
    except ClientAuthenticationError as error:
        code = _code(error)
        hint = advice().get(code or "", BY_STATUS[401])
        raise AuthenticationError(what, _cause(error), code=code, status=error.status_code, hint=hint) from error
    except HttpResponseError as error:
        raise _translated(what, error) from error
    except (ServiceRequestError, ServiceResponseError) as error:
        raise NotReachable(what, _in_short(error), hint="check the network, then run the same command again") from error
    except TimeoutError as error:
        raise OperationFailed(what, str(error), hint=STUCK) from error
    except AzureError as error:
        raise CloudError(what, _in_short(error), hint=AGAIN) from error


@contextmanager
def deleting(label: str) -> Iterator[None]:
    """As `calling`, for deletions: what is gone already is fine."""
    from azure.core.exceptions import ResourceNotFoundError

    with calling("deleting", label), suppress(ResourceNotFoundError):
        yield


def wait(poller: LROPoller[Any], stop: Event, seconds: float = OPERATION_SECONDS) -> None:
    """Wait for a long-running operation, for `seconds` at most.

    Raises Interrupted when `stop` is set first, TimeoutError when it takes longer; the operation goes on.
    """
    limit = at_most(seconds)
    deadline = time.monotonic() + limit
    while not poller.done():
        poller.wait(0.1)
        if stop.is_set() and not poller.done():
            raise Interrupted("stopped waiting; the operation goes on")
        if time.monotonic() > deadline and not poller.done():
            raise TimeoutError(f"the operation did not end within {limit:.0f} s and goes on without us")
    poller.result()


def until_granted(call: Callable[[], T], stop: Event, report: Callable[[str], None]) -> T:
    """Repeat `call` while it is refused for want of a role that was only just assigned, for at most ten minutes."""
    deadline = time.monotonic() + at_most(GRANT_SECONDS)
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
    if error.code in NOT_FOR_WANT_OF_TIME:
        return False
    return error.status == 403 or "UNAUTHORIZED" in error.cause or error.code in ("Forbidden", "ForbiddenByRbac")


def _translated(what: str, error: HttpResponseError) -> CloudError:
    code = _code(error)
    failed_later = error.status_code in (200, 201, 202)
    kind = OperationFailed if failed_later else CloudError
    status = error.status_code or 0
    hint = advice().get(code or "") or BY_STATUS.get(status) or (AGAIN if failed_later or status >= 500 else None)
    pause = _retry_after(error)
    asked = f" (Azure asks to wait {pause:.0f} s)" if pause else ""
    translated = kind(what, _cause(error) + asked, code=code, status=error.status_code, hint=hint)
    translated.retry_after = pause
    return translated


def _retry_after(error: HttpResponseError) -> float | None:
    """Return how many seconds the answer asks to wait, None when it does not say."""
    answer: Any = error.response
    said = answer.headers.get("Retry-After", "") if answer is not None else ""
    return float(said) if said.replace(".", "", 1).isdigit() else None


def _in_short(error: AzureError) -> str:
    """Return the innermost reason, without the library's nested representations of it."""
    inner: BaseException = error
    while (deeper := inner.__cause__ or inner.__context__) is not None and not isinstance(deeper, ChatopsError):
        inner = deeper
    return f"no answer ({type(error).__name__}: {str(inner).splitlines()[0] if str(inner) else type(inner).__name__})"


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
