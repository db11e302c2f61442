"""Every exception that chatops raises on purpose, and the exit code that each one means.

    ChatopsError                 1    something went wrong; `message` says what, `hint` what to do next
    ├── UsageError               2    the command line asks for something that cannot be
    │   ├── ConfigError          2    the YAML file: one or more `Problem`s, each with its place
    │   └── RefusedOffTerminal   2    a question would have to be asked, and nobody is there to answer it
    ├── CloudError               1    a call to Azure (or to the local cloud) failed
    │   ├── NotReachable         1    no answer: DNS, connection, TLS, timeout
    │   ├── AuthenticationError  1    no credential, or one that was refused
    │   └── OperationFailed      1    the call was accepted and its long-running operation then failed
    ├── GateFailed               1    a new revision did not prove itself, so it got no traffic
    └── Interrupted              130  Ctrl-C or SIGTERM

Messages are whole sentences without a final stop, and never hold a secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PASSING = frozenset({408, 429, 500, 502, 503, 504})
BUSY = frozenset(
    {
        "AnotherOperationInProgress",
        "ConcurrentUpdateError",
        "Conflict",
        "ContainerAppOperationInProgress",
        "ManagedEnvironmentOperationInProgress",
        "OperationInProgress",
        "RetryableError",
        "RetryableErrorDueToAnotherOperation",
        "ServerIsBusy",
    }
)
"""Azure's codes for "something else is running on it"."""


class ChatopsError(Exception):
    """Something went wrong that the operator can understand: what it was, what to do, and the process's exit code."""

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ChatopsError):
    """The command, or what it was given, cannot be carried out. Nothing was touched."""

    exit_code = 2


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a config file. `line` and `column` count from 1; None where there is no such place."""

    file: str
    line: int | None
    column: int | None
    path: str
    found: str
    expected: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        lines = [f"{place} {self.path}: {self.found}" if self.path else f"{place}: {self.found}"]
        if self.expected:
            lines.append(f"  expected: {self.expected}")
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class ConfigError(UsageError):
    """A config file with every problem found in it. The message is their text, one block each, in the file's order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class RefusedOffTerminal(UsageError):
    """A question has to be asked, but standard input is no terminal; the hint names the option that answers it."""


class CloudError(ChatopsError):
    """A call to Azure failed.

    `what` is gerund, kind and name ("creating PostgreSQL server 'chat-db'"), `cause` what Azure said about it,
    `code` Azure's error code ("LocationIsOfferRestricted") and `status` the HTTP status, where there was one.
    """

    def __init__(
        self, what: str, cause: str, *, code: str | None = None, status: int | None = None, hint: str | None = None
    ) -> None:
        super().__init__(f"{what}: {cause}", hint)
        self.what = what
        self.cause = cause
        self.code = code
        self.status = status
        self.retry_after: float | None = None

    @property
    def passing(self) -> bool:
        """Tell whether the same call may succeed a little later. `retry_after` is in how many seconds, where said."""
        return self.status in PASSING or self.code in BUSY or (self.status == 409 and self.retry_after is not None)


class NotReachable(CloudError):
    """No answer came: name resolution, connection, TLS or a timeout. A write may or may not have taken effect."""

    @property
    def passing(self) -> bool:
        return True


class AuthenticationError(CloudError):
    """There is no credential, or it was refused."""


class OperationFailed(CloudError):
    """The call was accepted, and its long-running operation ended as Failed or Canceled, or did not end in time."""

    @property
    def passing(self) -> bool:
        return False


class GateFailed(ChatopsError):
    """A revision failed the gate, or its users on the way. `why` is the reason, `lines` what its log says last."""

    def __init__(self, app: str, revision: str, why: str, lines: Sequence[str], serves: str = "") -> None:
        said = "".join(f"\n  | {line}" for line in lines)
        hint = f"{serves} serves on; mend it and deploy again" if serves else "mend it and deploy again"
        super().__init__(f"deploying '{app}': revision {revision} {why}{said}", hint)
        self.app, self.revision, self.why, self.lines = app, revision, why, tuple(lines)

    def serving(self, revision: str) -> GateFailed:
        """The same, with who serves instead."""
        return GateFailed(self.app, self.revision, self.why, self.lines, revision)


class Interrupted(ChatopsError):
    """The operator (Ctrl-C) or the system (SIGTERM) asked to stop."""

    exit_code = 130
