"""Where the build service's URLs lead: the upload of a context, and the log of a run. Their token is all they need."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from .build import LOGS, UPLOADS, Builds
from .runs import UNFINISHED, Run, RunLog


def builds_routes(builds: Builds) -> list[Route]:
    async def upload(request: Request) -> Response:
        try:
            known = await builds.receive(request.path_params["token"], request)
        except ClientDisconnect:
            return Response(status_code=400)
        return Response(status_code=201 if known else 404, headers={"x-ms-request-server-encrypted": "true"})

    async def log(request: Request) -> Response:
        found = builds.log_of(request.path_params["token"])
        return Response(status_code=404) if found is None else _log_response(request, *found)

    return [
        Route(f"{UPLOADS}{{token}}", upload, methods=["PUT"]),
        Route(f"{LOGS}{{token}}", log, methods=["GET", "HEAD"]),
    ]


def _log_response(request: Request, run: Run, log: RunLog) -> Response:
    """A plain GET follows the run to its end; a range (Azure keeps logs as append blobs) gives what is there by now."""
    headers = {"x-ms-blob-type": "AppendBlob"}
    if run.status not in UNFINISHED:
        headers["x-ms-meta-complete"] = "successful" if run.status == "Succeeded" else "failed"
    wanted = request.headers.get("x-ms-range") or request.headers.get("range")
    if request.method == "HEAD":
        return Response(headers=headers | {"content-length": str(log.path.stat().st_size)})
    if wanted is None:
        return StreamingResponse(log.follow(run), media_type="text/plain; charset=utf-8", headers=headers)
    return _range_response(log, wanted, headers)


def _range_response(log: RunLog, wanted: str, headers: dict[str, str]) -> Response:
    content = log.path.read_bytes()
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    start = int(first) if first.isdecimal() else 0
    part = content[start : int(last) + 1 if last.isdecimal() else None]
    if not part:
        return Response(status_code=416, headers=headers | {"content-range": f"bytes */{len(content)}"})
    headers["content-range"] = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
    return Response(part, 206, headers, "text/plain; charset=utf-8")
