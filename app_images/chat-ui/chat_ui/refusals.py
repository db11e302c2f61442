"""How refusals reach the person: a page for a browser, one JSON sentence for the page's script."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from . import events
from .errors import Refusal
from .pages import page

SENTENCES = {
    404: "There is nothing here. The chat may have been deleted, or it belongs to another browser.",
    405: "This address does not do that.",
    413: "The message is far too long. Please shorten it.",
}


def install(app: FastAPI) -> None:
    """Answer every error with a sentence, in the form that the caller reads."""
    app.add_exception_handler(Refusal, _refusal)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)


def _tell(request: Request, status: int, sentence: str) -> Response:
    if events.wanted(request):
        return JSONResponse({"error": sentence}, status)
    return page("error.html", status, sentence=sentence)


def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)  # noqa: S101
    return _tell(request, error.status, SENTENCES[404] if error.status == 404 else error.sentence)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    return _tell(request, error.status_code, SENTENCES.get(error.status_code, str(error.detail)))


def _invalid(request: Request, error: Exception) -> Response:
    """An address that no chat can have is not found; a form that the page never sends is refused."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    if any(problem["loc"][0] == "path" for problem in error.errors()):
        return _tell(request, 404, SENTENCES[404])
    return _tell(request, 422, "This form was not understood. Please reload the page and try again.")


def _unexpected(request: Request, _error: Exception) -> Response:
    return _tell(request, 500, "Something went wrong here. Please try again.")
