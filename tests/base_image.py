"""The base image of the docker tests, where no registry can be reached: a small Debian with Python, by debootstrap.

It is kept in the cache as an archive for `docker import`. `python3 tests/base_image.py` makes it beforehand, with
nothing but the standard library: what else asks for it meanwhile waits.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DEBOOTSTRAP = ("debootstrap", "--variant=minbase", "--include=python3,python3-venv,python3-pip,ca-certificates")
SUITE = "bookworm"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
SPARED = ("usr/share/doc", "usr/share/locale", "usr/share/man", "var/cache/apt", "var/lib/apt/lists")
# pip in a build trusts whom this machine trusts; Debian's Python otherwise refuses to be installed into
PIP_CONF = f"[global]\ncert = {CERTIFICATES}\nbreak-system-packages = true\ndisable-pip-version-check = true\n"


def cache() -> Path:
    """Where tests keep what can be made again."""
    return Path(os.environ.get("CHATOPS_CACHE") or Path(tempfile.gettempdir()) / "chatops-tests-cache")


def reason_against() -> str | None:
    """Say why the image can't be made here, None when it can."""
    if os.geteuid() != 0:
        return "debootstrap needs root"
    return None if shutil.which("debootstrap") else "debootstrap is not installed (Debian: apt install debootstrap)"


def archive() -> Path:
    """Return the image's archive, after making it (a good minute) where this recipe never was made."""
    recipe = Path(__file__).read_bytes() + CERTIFICATES.read_bytes()
    made = cache() / "base-images" / f"{hashlib.sha256(recipe).hexdigest()[:16]}.tar"
    made.parent.mkdir(parents=True, exist_ok=True)
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            with tempfile.TemporaryDirectory(prefix="base-image-") as folder:
                root = _bootstrap(Path(folder) / "root")
                unfinished = made.with_suffix(".unfinished")
                subprocess.run(["tar", "-C", root, "-cf", unfinished, "."], check=True)
                unfinished.rename(made)
    return made


def _bootstrap(root: Path) -> Path:
    made = subprocess.run([*DEBOOTSTRAP, SUITE, root], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if made.returncode:
        raise RuntimeError(f"debootstrap failed:\n{made.stdout[-2000:]}")
    for folder in SPARED:
        shutil.rmtree(root / folder)
        (root / folder).mkdir()
    # as in the image whose name it gets, Python is called python
    (root / "usr/bin/python").symlink_to("python3")
    shutil.copy(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
    (root / "etc/pip.conf").write_text(PIP_CONF)
    return root


if __name__ == "__main__":
    if reason := reason_against():
        sys.exit(f"no base image: {reason}")
    print(archive())
