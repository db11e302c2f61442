"""What a caller is told when a request cannot be served: one JSON shape for every error.

`{"error": {"code": "chat_not_found", "message": "There is no such chat in this session."}}`
"""

from dataclasses import dataclass
from typing import NoReturn

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException


@dataclass(eq=False)
class ApiError(Exception):
    """An answer that is an error: HTTP status, a stable code for programs, a sentence for people."""

    status: int
    code: str
    message: str


CHAT_NOT_FOUND = ApiError(404, "chat_not_found", "There is no such chat in this session.")
MESSAGE_EXISTS = ApiError(409, "message_exists", "A message with this id is stored already, with other content.")
TOO_MANY_CHATS = ApiError(409, "too_many_chats", "This session has as many chats as it may have: delete one first.")
TOO_MANY_MESSAGES = ApiError(409, "too_many_messages", "This chat is full: start a new one.")
DATABASE_UNAVAILABLE = ApiError(503, "database_unavailable", "The database does not answer: try again in a moment.")


def fail(error: ApiError) -> NoReturn:
    """Raise a copy of one of the errors above, so that concurrent requests never share a traceback."""
    raise ApiError(error.status, error.code, error.message)


def install(app: FastAPI) -> None:
    """Answer every error in the one JSON shape."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)


def _response(error: ApiError) -> JSONResponse:
    headers = {"Retry-After": "1"} if error.status == 503 else None
    body = {"error": {"code": error.code, "message": error.message}}
    return JSONResponse(body, error.status, headers)


def _api_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)  # noqa: S101
    return _response(error)


def _http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    return _response(ApiError(error.status_code, "http_error", str(error.detail)))


def _unexpected(_request: Request, _error: Exception) -> JSONResponse:
    return _response(ApiError(500, "internal_error", "db-api failed in a way that it does not know; see its log."))


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    """Say which field and what was expected; never echo the input, which may be somebody's message."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    return _response(ApiError(422, "invalid_request", "; ".join(problems)))
