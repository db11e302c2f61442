"""What the command line finds around it: streams, proxies, libraries that log, files that cannot be had."""

from __future__ import annotations

import errno
import logging
import os
import sys
from io import TextIOWrapper
from pathlib import Path

from chatops.errors import ChatopsError

LOOPBACK = "127.0.0.1,localhost"
PLACES = "see who may write there; CHATOPS_HOME and CHATOPS_CACHE name other places for what chatops keeps"
REFUSALS = {
    errno.EACCES: PLACES,
    errno.EPERM: PLACES,
    errno.EROFS: PLACES,
    errno.ENOTDIR: PLACES,
    errno.ENOSPC: "make room, then run the same command again",
    errno.EDQUOT: "make room, then run the same command again",
}
"""What a file system may answer to anything, and what to do about it."""


def prepare() -> None:
    """Make the surroundings fit for every command."""
    _make_streams_usable()
    _keep_loopback_direct()
    # errors are told as sentences; without this libraries print warnings of their own before them
    logging.getLogger().addHandler(logging.NullHandler())


def _make_streams_usable() -> None:
    """Show `?` for what the terminal's character set lacks, and drop what goes to a stream that is closed."""
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _keep_loopback_direct() -> None:
    """Reach the local cloud past the proxy of a company, which knows nothing of this machine's loopback."""
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = f"{known},{LOOPBACK}" if known else LOOPBACK


def refusal(error: OSError) -> ChatopsError | None:
    """Return the error of a file system that refuses; None for any other, which is a fault of chatops."""
    if error.errno not in REFUSALS:
        return None
    where = f"{error.filename}: " if error.filename else ""
    return ChatopsError(f"{where}{os.strerror(error.errno)}", hint=REFUSALS[error.errno])
