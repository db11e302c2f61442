"""Fault rules as data: which calls, which of them, and what happens to those."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

REASONS: dict[int, tuple[str, str]] = {
    401: ("InvalidAuthenticationToken", "The access token is invalid."),
    403: ("AuthorizationFailed", "The client does not have authorization to perform this action."),
    404: ("ResourceNotFound", "The resource was not found."),
    408: ("RequestTimeout", "The request timed out."),
    409: ("Conflict", "Another operation is in progress. Please retry later."),
    412: ("PreconditionFailed", "The condition of the request does not hold."),
    429: ("SubscriptionRequestsThrottled", "The number of requests exceeded the limit. Please try again later."),
    500: ("InternalServerError", "The server encountered an internal error. Please retry."),
    502: ("BadGatewayConnection", "The network connectivity issue encountered for the backend service."),
    503: ("ServerTimeout", "The request timed out."),
    504: ("GatewayTimeout", "The gateway did not receive a response within the specified time period."),
}
"""HTTP status -> Azure's usual code and sentence for it."""

_TYPES: Mapping[str, Any] = {
    **dict.fromkeys(("match", "code", "message"), str),
    **dict.fromkeys(("first", "times", "seen"), int),
    "answer": str | int,
    "after": bool,
    "seconds": int | float,
    "retry_after": int | float | None,
}
ACTIONS = ("reset", "hang", "fail", "never")
"""What else a rule can do: drop the connection, hang, let the operation fail, or never end."""


class BadRule(ValueError):
    """A rule that cannot be; the message says why."""


@dataclass
class Rule:
    """One rule. `match` is `PUT,PATCH */virtualNetworks/*`: methods (`*` for all) and a glob over the path.

    A pattern that begins with `~` is a regular expression. Case does not count; the data planes' paths begin with
    their host name. `answer` is a status or one of ACTIONS. From the `first` matching call on the rule holds for
    `times` calls (0: for all). `after`: the call takes effect, then its answer is lost. `seconds` is how long it hangs
    (0: until the rules are cleared), `retry_after` the header's value. `seen` counts matching calls.
    """

    match: str
    answer: str
    first: int = 1
    times: int = 0
    after: bool = False
    seconds: float = 0.0
    retry_after: float | None = None
    code: str = ""
    message: str = ""
    seen: int = 0

    def __post_init__(self) -> None:
        self.answer = str(self.answer)
        methods, _, self._pattern = self.match.strip().partition(" ")
        self._methods = {method for method in methods.upper().split(",") if method != "*"}
        if not self._pattern:
            raise BadRule(f"'{self.match}' is not METHOD PATH, for example: PUT */virtualNetworks/*")
        status = int(self.answer) if self.answer.isdigit() else 0
        if self.answer not in ACTIONS and not 400 <= status <= 599:
            raise BadRule(f"'{self.answer}' is neither an error status nor one of {', '.join(ACTIONS)}")
        expression = self._pattern[1:] if self._pattern.startswith("~") else fnmatch.translate(self._pattern)
        try:
            self._path = re.compile(expression, re.IGNORECASE)
        except re.error as failure:
            raise BadRule(f"'{self._pattern}' is no regular expression: {failure}") from failure

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> Rule:
        """A rule from JSON or YAML. Raises BadRule."""
        known = {field.name for field in fields(cls)}
        if unknown := set(found) - known:
            raise BadRule(f"a rule has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(known - {'seen'}))}")
        if missing := {"match", "answer"} - set(found):
            raise BadRule(f"the rule lacks {', '.join(sorted(missing))}")
        if wrong := [name for name, value in found.items() if not isinstance(value, _TYPES[name])]:
            raise BadRule(f"the rule has a value of the wrong type for {', '.join(sorted(wrong))}")
        return cls(**found)

    def shown(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def status(self) -> int:
        """The HTTP status that it answers with, 0 when it does something else."""
        return int(self.answer) if self.answer.isdigit() else 0

    @property
    def reason(self) -> tuple[str, str]:
        """Azure's code and sentence, as asked for or as usual."""
        code, message = REASONS.get(self.status, ("OperationFailed", "The operation failed."))
        return self.code or code, self.message or message

    def concerns(self, method: str, path: str) -> bool:
        if self._methods and method not in self._methods:
            return False
        found = self._path.search(path) if self._pattern.startswith("~") else self._path.match(path)
        return found is not None

    def strikes(self) -> bool:
        """Count one matching call, and tell whether the rule holds for it."""
        self.seen += 1
        return self.seen >= self.first and (not self.times or self.seen < self.first + self.times)
