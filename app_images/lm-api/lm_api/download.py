"""A model from the web, once: into the cache, resumed when interrupted, checked, moved into place whole."""

import asyncio
import contextlib
import fcntl
import hashlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiohttp

from lm_api.errors import StartError
from lm_api.model import CHUNK, check_gguf, check_sha256
from lm_api.progress import Progress, megabytes

FREE_MARGIN = 64 * 1024 * 1024
ATTEMPTS_WITHOUT_PROGRESS = 3
RETRIED_STATUSES = frozenset({408, 416, 425, 429, 500, 502, 503, 504})
TIMEOUT = aiohttp.ClientTimeout(total=None, connect=30, sock_read=60)


@dataclass(frozen=True)
class Download:
    """What to fetch, and the SHA-256 that it must have, if known."""

    url: str
    sha256: str | None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if parts.scheme != "https" and not loopback and not self.sha256:
            raise StartError("LM_MODEL: an http:// address needs LM_MODEL_SHA256; without it only https:// is safe")

    @property
    def name(self) -> str:
        """The file's name in the cache: the name in the URL, kept apart from other URLs by a digest."""
        base = Path(unquote(urlsplit(self.url).path)).name or "model.gguf"
        return f"{hashlib.sha256(self.url.encode()).hexdigest()[:12]}-{base}"

    @property
    def shown(self) -> str:
        """The URL without its query and user, which may hold a token."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"


async def cached(download: Download, cache: Path) -> Path:
    """The model's file in the cache, downloaded when it is not there yet; raises StartError.

    Processes that share a cache wait for each other.
    """
    path = cache / download.name
    try:
        cache.mkdir(parents=True, exist_ok=True)
        async with _locked(path.with_name(path.name + ".lock")):
            if path.exists():
                await _checked(path, download)
            else:
                await _download(download, path)
    except OSError as error:
        raise StartError(f"LM_CACHE: {cache} cannot be used: {error.strerror}") from None
    return path


async def _download(download: Download, path: Path) -> None:
    part = path.with_name(path.name + ".part")
    await _fetch(download, part)
    await _checked(part, download)
    part.replace(path)
    _validator_file(part).unlink()


async def _checked(path: Path, download: Download) -> None:
    try:
        check_gguf(path)
        await asyncio.to_thread(check_sha256, path, download.sha256)
    except StartError:
        _remove(path)
        raise


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    _validator_file(path).unlink(missing_ok=True)


def _validator_file(part: Path) -> Path:
    return part.with_name(part.name + ".etag")


@contextlib.asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(0.2)
        yield


async def _fetch(download: Download, part: Path) -> None:
    """Bring the whole file into `part`, going on where an interruption left it."""
    failures = 0
    async with aiohttp.ClientSession(trust_env=True, timeout=TIMEOUT, auto_decompress=False) as session:
        while True:
            before = _size(part)
            try:
                return await _attempt(session, download, part)
            except (aiohttp.ClientError, TimeoutError) as error:
                failures = 0 if _size(part) > before else failures + 1
                if failures == ATTEMPTS_WITHOUT_PROGRESS:
                    raise StartError(f"LM_MODEL: downloading {download.shown} failed: {_reason(error)}") from None
            await asyncio.sleep(failures)


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientResponseError):
        return f"the server answers {error.status} {error.message}"
    return " ".join(str(error).split()) or type(error).__name__


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


async def _attempt(session: aiohttp.ClientSession, download: Download, part: Path) -> None:
    async with session.get(download.url, headers=_resume_headers(part, download)) as answer:
        if answer.status == 416:
            _remove(part)
        if answer.status in RETRIED_STATUSES:
            answer.raise_for_status()
        if answer.status not in (200, 206):
            raise StartError(f"LM_MODEL: {download.shown} answers {answer.status} {answer.reason}")
        start = _size(part) if answer.status == 206 else 0
        total = start + answer.content_length if answer.content_length is not None else None
        _check_space(part, (total or 0) - start)
        _validator_file(part).write_text(answer.headers.get("ETag") or answer.headers.get("Last-Modified") or "")
        await _write(answer, part, Progress(download.shown, start, total))


def _resume_headers(part: Path, download: Download) -> dict[str, str]:
    """Ask for the rest only when the server can tell that it is the rest of the same file, or the hash will."""
    headers = {"Accept-Encoding": "identity"}
    validator = _validator_file(part).read_text() if _validator_file(part).exists() else ""
    strong = validator if not validator.startswith("W/") else ""
    if _size(part) and (strong or download.sha256):
        headers["Range"] = f"bytes={_size(part)}-"
        if strong:
            headers["If-Range"] = strong
    return headers


def _check_space(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed + FREE_MARGIN > free:
        raise StartError(
            f"LM_MODEL: {part.parent} has {megabytes(free)} free, the model needs {megabytes(needed)} more"
        )


async def _write(answer: aiohttp.ClientResponse, part: Path, progress: Progress) -> None:
    with part.open("r+b" if progress.done else "wb") as file:
        file.seek(progress.done)
        async for chunk in answer.content.iter_chunked(CHUNK):
            file.write(chunk)
            progress.advance(len(chunk))
    progress.end()
