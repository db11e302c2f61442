"""The two ways in which lm-api says no: it cannot start, or it refuses one request."""


class StartError(Exception):
    """The service cannot start. The message is one line that names the cause; the process ends with exit code 1."""


class Refused(Exception):
    """A request that must not reach the model: HTTP status, a message for the client, and the field at fault."""

    def __init__(self, message: str, *, param: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.status = status
