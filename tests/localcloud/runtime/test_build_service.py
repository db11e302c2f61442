"""The registry's build service, as a client drives it: upload, schedule, follow the log, look at the run."""

import asyncio
import os
import random

import httpx
import pytest
from starlette.applications import Starlette

from chatops.localcloud.data import build
from chatops.localcloud.data.build import Builds
from chatops.localcloud.data.build_routes import builds_routes
from chatops.localcloud.data.images import ImageStore, Reference
from chatops.localcloud.data.process_build import ProcessBuilder
from chatops.localcloud.data.runs import UNFINISHED
from chatops.localcloud.data.venvs import Venvs
from chatops.localcloud.runtime.processes import Children

pytestmark = pytest.mark.anyio

REGISTRY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/chatReg"


class Client:
    """A client of one build service."""

    def __init__(self, home, cache, pack):
        self.images = ImageStore(home / "images")
        venvs = Venvs(cache / "venvs", Children(home / "run"))
        self.builds = Builds(ProcessBuilder(self.images, venvs), home / "builds")
        app = Starlette(routes=builds_routes(self.builds))
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://arm")
        self.pack = pack

    async def schedule(self, files, image="svc:one", **body):
        url, relative = self.builds.upload_url(REGISTRY)
        uploaded = await self.http.put(url, content=self.pack(files, body.pop("time", 0)))
        assert uploaded.status_code == 201
        return self.builds.schedule(REGISTRY, {"imageNames": [image], "sourceLocation": relative, **body})

    async def log(self, run):
        """Reading the log to its end is how a client waits."""
        return (await self.http.get(self.builds.log_url_path(REGISTRY, run.run_id))).text

    async def build(self, files, **body):
        run = await self.schedule(files, **body)
        return run, await self.log(run)


@pytest.fixture
def client(tmp_path, venv_cache, pack):
    return Client(tmp_path, venv_cache, pack)


async def test_context_becomes_an_image_with_its_settings_and_environment(client, service_files):
    run, log = await client.build(service_files, arguments=[{"name": "FLAVOUR", "value": "lime"}])
    assert run.arm()["properties"]["status"] == "Succeeded", log
    (output,) = run.arm()["properties"]["outputImages"]
    assert (output["registry"], output["repository"], output["tag"]) == ("chatreg.azurecr.io", "svc", "one")
    assert client.images.resolve(Reference.parse("chatreg.azurecr.io/svc:one")) == output["digest"]
    config = client.images.manifest(output["digest"])["config"]
    assert config["Env"] == {"PYTHONUNBUFFERED": "1", "FLAVOUR": "lime", "DATA_FILE": "/app/data/words.txt"}
    assert (config["WorkingDir"], config["User"], config["ExposedPorts"]) == ("/app", "app", ["80/tcp"])
    assert config["Cmd"] == ["python", "/app/service.py"]
    for said in ("Step 1/15 : ARG", "not run in a process image: useradd", "pip install --no-deps", output["digest"]):
        assert said in log


async def test_same_context_gives_the_same_digest_and_another_byte_another(client, service_files):
    first, _ = await client.build(service_files, time=1)
    later, _ = await client.build(service_files, image="svc:two", time=2)
    other, _ = await client.build({**service_files, "data/words.txt": b"other"}, image="svc:three")
    digests = [run.outputs[0]["digest"] for run in (first, later, other)]
    assert digests[0] == digests[1] != digests[2]


async def test_runs_go_side_by_side_and_share_one_environment(client, service_files, tmp_path):
    fresh = Client(tmp_path / "fresh", tmp_path / "cold", client.pack)
    runs = [await fresh.schedule(service_files, image=f"svc-{name}:one") for name in "abc"]
    assert all(run.status in UNFINISHED for run in runs)
    logs = await asyncio.gather(*map(fresh.log, runs))
    assert [run.status for run in runs] == ["Succeeded"] * 3, logs
    assert sum("Successfully installed" in log for log in logs) == 1
    assert [run.run_id for run in fresh.builds.list(REGISTRY)] == ["cb3", "cb2", "cb1"]


FROM = b"FROM python:3.12-slim\n"


@pytest.mark.parametrize(
    ("dockerfile", "said"),
    [
        (FROM + b"ADD http://x/y z\nCMD true", "Dockerfile line 2: ADD: a process image supports"),
        (FROM + b"\n# note\nRUN \\\n  echo 'open\nCMD true", "Dockerfile line 4: RUN: No closing quotation"),
        (FROM + b"COPY nothing.txt .\nCMD true", "Dockerfile line 2: COPY: nothing.txt is not in the build context"),
        (FROM + b"COPY ../../etc/passwd .\nCMD true", "is not in the build context"),
        (FROM + b"FROM python\nCMD true", "Dockerfile line 2: FROM: a process image has one stage only"),
        (FROM + b"COPY --from=x a b\nCMD true", "Dockerfile line 2: COPY: --from"),
        (FROM + b"RUN <<EOF\necho\nEOF", "Dockerfile line 2: RUN: here-documents"),
        (FROM + b"RUN pip install -r absent.txt\nCMD true", "absent.txt"),
        (FROM + b"ENV A\nCMD true", "Dockerfile line 2: ENV: expected NAME=value"),
        (b"CMD true", "the first instruction must be FROM"),
        (b"FROM chatreg.azurecr.io/none:1\nCMD true", "FROM: there is no image 'chatreg.azurecr.io/none:1'"),
    ],
)
async def test_what_cannot_be_built_fails_the_run_and_says_why(client, dockerfile, said):
    run, log = await client.build({"Dockerfile": dockerfile})
    properties = run.arm()["properties"]
    assert properties["status"] == "Failed"
    assert said in properties["runErrorMessage"]
    assert properties["runErrorMessage"] in log
    assert properties["outputImages"] == []


async def test_an_image_stands_on_another_one_of_the_registry_and_leaves_it_as_it_is(client, service_files):
    below, _ = await client.build(service_files, image="model:1")
    above = {"Dockerfile": b"ARG BASE\nFROM $BASE\nCOPY words.txt data/\n", "words.txt": b"other words"}
    argument = {"name": "BASE", "value": "chatreg.azurecr.io/model:1"}
    run, log = await client.build(above, arguments=[argument])
    assert run.status == "Succeeded", log
    lower, upper = (client.images.manifest(one.outputs[0]["digest"]) for one in (below, run))
    assert (upper["config"], upper["installs"]) == (lower["config"], lower["installs"])
    lower, upper = client.images.files(lower), client.images.files(upper)
    assert (upper / "app/data/words.txt").read_bytes() == b"other words"
    assert (lower / "app/data/words.txt").read_bytes() == service_files["data/words.txt"]
    assert (lower / "app/service.py").samefile(upper / "app/service.py")


async def test_damaged_or_absent_contexts_fail_the_run(client):
    url, relative = client.builds.upload_url(REGISTRY)
    absent = client.builds.schedule(REGISTRY, {"imageNames": ["a:b"], "sourceLocation": relative})
    assert "is not a context" in await client.log(absent)
    await client.http.put(url, content=b"no archive")
    damaged = client.builds.schedule(REGISTRY, {"imageNames": ["a:b"], "sourceLocation": relative})
    assert "cannot be unpacked" in await client.log(damaged)
    assert (await client.http.put("/_builds/upload/guessed", content=b"")).status_code == 404
    assert (await client.http.get("/_builds/log/guessed")).status_code == 404


async def test_cancelled_run_leaves_an_environment_that_is_made_anew(client, service_files):
    requirements = {**service_files, "requirements.txt": b"idna==3.20\n# another key\n"}
    run = await client.schedule(requirements)
    log = client.builds.log_of(client.builds.log_url_path(REGISTRY, run.run_id).rsplit("/", 1)[1])[1]
    async for part in log.follow(run):
        if b"Making the virtual environment" in part:
            assert await client.builds.cancel(REGISTRY, run.run_id)
    assert run.status == "Canceled"
    again, said = await client.build(requirements)
    assert again.status == "Succeeded", said
    assert "Successfully installed" in said


async def test_unfinished_runs_of_a_stopped_service_are_ended(client, service_files, tmp_path, venv_cache):
    run = await client.schedule(service_files)
    restarted = Client(tmp_path, venv_cache, client.pack)
    found = restarted.builds.get(REGISTRY, run.run_id)
    assert found.status == "Error"
    assert "stopped during this run" in found.error
    await client.builds.stop()


async def test_deleted_registry_takes_its_runs_along(client, service_files):
    run = await client.schedule(service_files)
    await client.builds.delete_registry("chatreg.azurecr.io")
    assert run.status == "Canceled"
    assert client.builds.list(REGISTRY) == []
    again, _ = await client.build(service_files)
    assert (again.run_id, again.status) == ("cb1", "Succeeded")


async def test_log_can_be_read_in_ranges_as_azures_append_blob(client, service_files):
    run, log = await client.build(service_files)
    url = client.builds.log_url_path(REGISTRY, run.run_id)
    part = await client.http.get(url, headers={"x-ms-range": "bytes=5-"})
    assert (part.status_code, part.text) == (206, log[5:])
    assert part.headers["x-ms-meta-complete"] == "successful"
    past = await client.http.get(url, headers={"Range": f"bytes={len(log.encode())}-"})
    assert past.status_code == 416


async def test_secret_build_arguments_stay_out_of_the_log(client, service_files):
    secret = {"name": "FLAVOUR", "value": "hush-hush-value", "isSecret": True}
    _, log = await client.build(service_files, arguments=[secret])
    assert "hush-hush-value" not in log


@pytest.mark.parametrize(
    ("files", "body", "kind"),
    [
        ({"Dockerfile": FROM + b"ENV A=\xff\n"}, {}, "UnicodeDecodeError"),
        ({"Dockerfile": FROM}, {"timeout": "soon"}, "ValueError"),
    ],
)
async def test_a_fault_of_the_service_is_an_error_and_no_cancellation(client, files, body, kind):
    run, log = await client.build(files, **body)
    assert (run.status, kind in run.error, run.error in log) == ("Error", True, True)


async def test_a_context_that_is_torn_in_the_middle_fails_the_run(client, service_files):
    whole = client.pack({**service_files, "noise": random.Random(7).randbytes(100_000)})
    url, relative = client.builds.upload_url(REGISTRY)
    await client.http.put(url, content=whole[:50_000] + bytes(1000) + whole[51_000:])
    run = client.builds.schedule(REGISTRY, {"imageNames": ["a:b"], "sourceLocation": relative})
    assert "cannot be unpacked" in await client.log(run)
    assert run.status == "Failed"


async def test_runs_keep_their_order_when_the_service_starts_again(client, tmp_path, venv_cache):
    for _ in range(11):
        client.builds.schedule(REGISTRY, {"imageNames": ["a:b"], "sourceLocation": "source/none"})
    await client.builds.stop()
    restarted = Client(tmp_path, venv_cache, client.pack)
    assert [run.run_id for run in restarted.builds.list(REGISTRY)] == [f"cb{number}" for number in range(11, 0, -1)]


async def test_the_log_is_written_in_the_event_loop_alone(client, service_files):
    """In its debug mode the loop refuses to be touched by another thread."""
    asyncio.get_running_loop().set_debug(True)
    try:
        run, log = await client.build(service_files)
    finally:
        asyncio.get_running_loop().set_debug(False)
    assert run.status == "Succeeded", log
    assert log.index("Step 1/15") < log.index("Step 15/15") < log.index("Making the virtual environment")


async def test_contexts_that_nobody_builds_and_urls_that_nobody_needs_are_forgotten(client, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "MOST_URLS", 2)
    url, _ = client.builds.upload_url(REGISTRY)
    assert (await client.http.put(url, content=b"context")).status_code == 201
    (context,) = tmp_path.glob("builds/uploads/*/*")
    os.utime(context, (0, 0))
    for _ in range(2):
        client.builds.upload_url(REGISTRY)
    assert not context.exists()
    assert (await client.http.put(url, content=b"context")).status_code == 404


async def test_an_upload_that_breaks_off_leaves_nothing(client, tmp_path):
    async def torn():
        yield b"some"
        raise ConnectionError("gone")

    url, _ = client.builds.upload_url(REGISTRY)
    with pytest.raises(ConnectionError):
        await client.http.put(url, content=torn())
    assert list(tmp_path.glob("builds/uploads/*/*")) == []
