"""Make `import xllamacpp` work where the system has no OpenMP runtime, as in `python:*-slim`.

The wheel needs `libgomp.so.1` and does not bring it. Another small wheel (pykdtree, in `requirements-libgomp.txt`)
does, under a mangled name; its copy is loaded under the name that the dynamic loader looks for.
"""

import ctypes
import os
import re
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lm_api.errors import StartError

SONAME = b"libgomp.so.1"


def prepare_openmp() -> None:
    """Load libgomp with settings that fit a shared machine; must run before `import xllamacpp`."""
    # libgomp reads it when loaded: the default spin wait falls from 25 to 1-9 tokens/s when a neighbour wants a core
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    if sys.platform.startswith("linux"):
        load_libgomp()


def load_libgomp() -> str:
    """Load libgomp into the process: "system", or the path of the bundled copy; raises StartError without either."""
    try:
        ctypes.CDLL(SONAME.decode(), mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return str(_load_bundled())
    return "system"


def _load_bundled() -> Path:
    for path in _bundled_copies():
        library = renamed(path.read_bytes())
        if library is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / SONAME.decode()
            copy.write_bytes(library)
            ctypes.CDLL(str(copy), mode=ctypes.RTLD_GLOBAL)
        return path
    raise StartError("libgomp.so.1 is missing: pip install --no-deps -r requirements-libgomp.txt, or install libgomp1")


def _bundled_copies() -> Iterator[Path]:
    for site in sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}):
        yield from sorted(Path(site).glob("*.libs/libgomp-*.so*"))


def renamed(library: bytes) -> bytes | None:
    """The same ELF bytes with the mangled SONAME put back in place; None when it holds no such name.

    The loader matches what a library needs against the SONAMEs already loaded, so the file name alone is not enough.
    """
    mangled = re.search(rb"libgomp-[0-9a-f]{8}\.so\.1(\.0\.0)?\0", library)
    if mangled is None:
        return None
    return library.replace(mangled.group(), SONAME.ljust(len(mangled.group()), b"\0"))
