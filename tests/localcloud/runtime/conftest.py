"""What the runtime's tests share: one event loop kind, one cache of virtual environments, one small service."""

import io
import tarfile
from pathlib import Path

import pytest

SERVICE = Path(__file__).parent / "tiny_service"


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session")
def venv_cache(tmp_path_factory):
    """Environments are kept by content, so the tiny service's is made once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def service_files():
    """The tiny service's build context: name -> content."""
    return {path.relative_to(SERVICE).as_posix(): path.read_bytes() for path in SERVICE.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def pack():
    """Files as the tar.gz that a client uploads; `time` is every file's modification time."""

    def tarball(files, time=0):
        target = io.BytesIO()
        with tarfile.open(fileobj=target, mode="w:gz") as archive:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mtime = len(content), time
                archive.addfile(entry, io.BytesIO(content))
        return target.getvalue()

    return tarball
