"""What the runtime's tests share: one event loop kind, one cache of virtual environments, one small service."""

import asyncio
import io
import tarfile
from pathlib import Path

import httpx
import pytest

from chatops.localcloud.runtime.local import LocalRuntime
from chatops.localcloud.runtime.spec import AppSpec, Probe, Scale

SERVICE = Path(__file__).parent / "tiny_service"
PATIENCE = 120  # seconds that a machine under load may take for what a quiet one does at once


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


ENVIRONMENT = "/subscriptions/s/resourcegroups/g/providers/microsoft.app/managedenvironments/env"


class World:
    """A running LocalRuntime, the tiny service's image in its registry, and shorthands for what tests do."""

    def __init__(self, runtime, home, pack, files):
        self.home = home
        self.runtime = runtime
        self.pack = pack
        self.files = files
        self.http = httpx.AsyncClient(base_url=runtime.ingress_url, timeout=PATIENCE)

    async def build(self, name="tiny", **files):
        """Build the tiny service (with some files replaced) as chatreg.azurecr.io/<name>:1."""
        builds = self.runtime.builds
        url, relative = builds.upload_url("chatReg")
        upload = builds._upload_tokens[url.rsplit("/", 1)[1]]
        upload.parent.mkdir(exist_ok=True)
        upload.write_bytes(self.pack(self.files | files))
        run = builds.schedule("chatReg", {"imageNames": [f"{name}:1"], "sourceLocation": relative})
        log = [
            part
            async for part in builds.log_of(builds.log_url_path("chatReg", run.run_id).rsplit("/", 1)[1])[1].follow(run)
        ]
        assert run.status == "Succeeded", b"".join(log).decode()
        return f"chatreg.azurecr.io/{name}@{run.outputs[0]['digest']}"

    def spec(self, name="web", revision="r1", environment=ENVIRONMENT, **fields):
        reach = "" if fields.get("external", True) else "internal."
        defaults = {
            "id": f"/subscriptions/s/resourcegroups/g/providers/microsoft.app/containerapps/{name}",
            "name": name,
            "environment": environment,
            "revision": f"{name}--{revision}",
            "image": "chatreg.azurecr.io/tiny:1",
            "fqdn": f"{name}.{reach}happy-hill.westeurope.azurecontainerapps.io",
            "external": True,
            "probes": (Probe("Readiness", "/ready", period=0.05, timeout=PATIENCE, failure_threshold=2),),
            "scale": Scale(minimum=1, maximum=5, concurrency=2),
            "grace": 10,
        }
        return AppSpec(**{**defaults, **fields})

    async def put(self, *args, **fields):
        spec = self.spec(*args, **fields)
        await self.runtime.put_app(spec)
        return spec

    async def until(self, spec, condition, seconds=PATIENCE):
        """Wait (by event) until the app's status fulfils the condition."""
        app = self.runtime._routes.apps[spec.id]
        async with asyncio.timeout(seconds):
            await app.changes.until(lambda: condition(app.status))
        return app.status

    async def logged(self, spec, text, count=1):
        """Wait (by reading on) until `text` was in the app's log `count` times."""
        async with asyncio.timeout(PATIENCE):
            async for line in self.runtime.logs(spec.id, None, 1000, True):
                count -= text.encode() in line
                if count == 0:
                    return


@pytest.fixture(scope="session")
def make_world(pack, service_files):
    """The world of a runtime that runs, with the home it has."""
    return lambda runtime, home: World(runtime, home, pack, service_files)


@pytest.fixture
async def world(tmp_path, venv_cache, make_world):
    runtime = LocalRuntime(tmp_path / "home", venv_cache, tmp_path / "logs")
    await runtime.start()
    world = make_world(runtime, tmp_path / "home")
    await world.build()
    yield world
    await world.http.aclose()
    await runtime.stop()
