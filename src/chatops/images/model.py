"""A language model from the web: fetched once, gone on with after an interruption, checked, kept by its SHA-256."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chatops.errors import ChatopsError, NotReachable
from chatops.images.builder import Report

if TYPE_CHECKING:
    from requests import Response

CHUNK = 1 << 20
MB = 1_000_000
STEPS = 20
SILENT_SECONDS = 60
AGAIN = "run the same command again: it goes on where this ended"


@dataclass(frozen=True)
class Model:
    """A GGUF file: where it is fetched from, the hash that it must have, and the folder that keeps it."""

    url: str
    sha256: str
    cache: Path

    @property
    def path(self) -> Path:
        return self.cache / "models" / f"{self.sha256}.gguf"

    @property
    def label(self) -> str:
        """The URL without its query, which may hold a token."""
        return f"model {urlsplit(self.url)._replace(query='', fragment='').geturl()}"

    def fetch(self, report: Report, stop: Event) -> Path:
        """Return the file, after fetching what is still missing. Raises ChatopsError for a file with another hash."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self.path.exists():
            part = self.path.with_suffix(".part")
            self._download(part, report, stop)
            self._check(part, report)
            part.rename(self.path)
        return self.path

    def _download(self, part: Path, report: Report, stop: Event) -> None:
        import requests

        there = part.stat().st_size if part.exists() else 0
        # whatever has changed at the other end meanwhile, the hash will tell
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={there}-"} if there else {})
        try:
            with requests.get(self.url, headers=headers, stream=True, timeout=SILENT_SECONDS) as answer:
                if answer.status_code == requests.codes.requested_range_not_satisfiable:
                    return  # all of it is there already
                if not answer.ok:
                    cause = f"the server answers {answer.status_code} {answer.reason}"
                    raise ChatopsError(f"fetching {self.label}: {cause}", hint="check model.source")
                self._write(answer, part, report, stop)
        except requests.RequestException as error:
            raise NotReachable(f"fetching {self.label}", f"it broke off ({type(error).__name__})", hint=AGAIN) from None

    def _write(self, answer: Response, part: Path, report: Report, stop: Event) -> None:
        goes_on = answer.status_code == 206
        with part.open("ab" if goes_on else "wb") as file:
            done = file.tell()
            total = done + int(answer.headers.get("Content-Length") or 0)
            for chunk in answer.iter_content(CHUNK):
                step = done * STEPS // total if total else 0
                done += file.write(chunk)
                if total and done * STEPS // total > step:
                    report(f"fetching the model: {done // MB} of {total // MB} MB")
                if stop.is_set():
                    raise ChatopsError(f"fetching {self.label}: stopped", hint=AGAIN)

    def _check(self, part: Path, report: Report) -> None:
        report("checking the model's SHA-256")
        with part.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != self.sha256:
            part.unlink()
            raise ChatopsError(
                f"fetching {self.label}: its SHA-256 is {found}, not {self.sha256}",
                hint="if you trust the file that is there now, change model.sha256",
            )
