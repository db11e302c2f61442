"""Models from the web: a real web server that breaks off, resumes, lies and waits as told."""

import hashlib
import re
import signal
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from lm_api.download import Download
from lm_api.errors import StartError
from lm_api.settings import BUNDLED_MODEL

MODEL = BUNDLED_MODEL.read_bytes()
SHA256 = hashlib.sha256(MODEL).hexdigest()
BREAK = 700_000


class Web:
    """A server of one file. `breaks` answers stop after BREAK bytes, `release` holds back the rest until it is set."""

    def __init__(self) -> None:
        self.content = MODEL
        self.etag = '"v1"'
        self.ranges = True
        self.breaks = 0
        self.statuses: list[int] = []
        self.claimed: int | None = None
        self.release = threading.Event()
        self.release.set()
        self.requests: list[str | None] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}/models/tiny.gguf"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers["Range"]
        self.requests.append(asked)
        if self.statuses and (status := self.statuses.pop(0)) != 200:
            request.send_error(status)
            return
        partial = asked and self.ranges and request.headers.get("If-Range", self.etag) == self.etag
        start = int(re.findall(r"\d+", asked)[0]) if partial else 0
        body = self.content[start:]
        request.send_response(206 if partial else 200)
        request.send_header("Content-Length", str(self.claimed or len(body)))
        request.send_header("ETag", self.etag)
        if partial:
            request.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        request.end_headers()
        request.wfile.write(body[:BREAK])
        self.release.wait(240)
        if self.breaks:
            self.breaks -= 1
        else:
            request.wfile.write(body[BREAK:])

    def close(self) -> None:
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def web() -> Iterator[Web]:
    server = Web()
    yield server
    server.close()


@pytest.fixture
def download(start_lm, web) -> Callable:
    """Start lm-api on the server's model, its hash known unless told otherwise."""
    return lambda **environ: start_lm(**{"LM_MODEL": web.url, "LM_MODEL_SHA256": SHA256, **environ})


def files(folder: Path, pattern: str) -> list[Path]:
    return sorted((folder / "cache").glob(pattern))


def test_health_is_503_while_downloading_and_200_when_ready(download, web):
    web.release.clear()
    lm = download()
    lm.wait_for("downloading")
    health = lm.client.get("/health")
    assert (health.status_code, health.json()) == (503, {"status": "downloading the model"})
    refused = lm.chat("Hello")
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert "downloading" in refused.json()["error"]["message"]
    web.release.set()
    lm.wait_for("ready:")
    assert lm.client.get("/health").status_code == 200
    assert lm.chat("Hello").status_code == 200


def test_a_downloaded_model_is_cached(download, web, tmp_path):
    download().wait_for("ready:")
    assert [path.read_bytes() for path in files(tmp_path, "*.gguf")] == [MODEL]
    assert not files(tmp_path, "*.part*")
    download().wait_for("ready:")
    assert len(web.requests) == 1


def test_a_broken_connection_is_resumed_where_it_broke(download, web, tmp_path):
    web.breaks = 2
    download().wait_for("ready:")
    assert web.requests[0] is None
    assert len(web.requests) == 3
    offsets = [int(re.findall(r"\d+", asked)[0]) for asked in web.requests[1:] if asked]
    assert 0 < offsets[0] < offsets[1] < len(MODEL)
    assert files(tmp_path, "*.gguf")[0].read_bytes() == MODEL


def test_a_stopped_process_goes_on_where_it_was(download, web):
    web.release.clear()
    first = download(LM_MODEL_SHA256="")
    first.wait_for("downloading")
    first.wait_for(r" [123]\d %")
    first.process.send_signal(signal.SIGTERM)
    assert first.ended()[0] == 0
    web.release.set()
    download(LM_MODEL_SHA256="").wait_for("ready:")
    assert web.requests[1] is not None


def test_a_file_that_has_changed_meanwhile_is_fetched_anew(download, web, tmp_path):
    web.content, web.etag, web.breaks = b"GGUF" + bytes(2_000_000), '"old"', 1
    web.statuses = [200, 404]
    failed = download(LM_MODEL_SHA256="")
    assert failed.ended()[0] == 1
    web.content, web.etag = MODEL, '"new"'
    download(LM_MODEL_SHA256="").wait_for("ready:")
    assert files(tmp_path, "*.gguf")[0].read_bytes() == MODEL


def test_a_server_without_ranges_starts_again(download, web, tmp_path):
    web.ranges, web.breaks = False, 1
    download().wait_for("ready:")
    assert files(tmp_path, "*.gguf")[0].read_bytes() == MODEL


def test_a_passing_trouble_of_the_server_is_retried(download, web):
    web.statuses = [503]
    download().wait_for("ready:")
    assert len(web.requests) == 2


def test_the_wrong_hash_is_refused_and_the_file_removed(download, web, tmp_path):
    code, _, stderr = download(LM_MODEL_SHA256="cd" * 32).ended()
    assert code == 1
    assert SHA256 in stderr
    assert "cd" * 32 in stderr
    assert stderr.count("\n") == 1
    assert not files(tmp_path, "*.gguf") + files(tmp_path, "*.part*")


def test_what_is_not_a_model_is_refused_and_removed(download, web, tmp_path):
    web.content = b"<html>please log in</html>"
    code, _, stderr = download(LM_MODEL_SHA256="").ended()
    assert code == 1
    assert "is not a GGUF file" in stderr
    assert not files(tmp_path, "*.gguf") + files(tmp_path, "*.part*")


def test_a_missing_file_is_named_without_the_token_in_its_address(download, web):
    web.statuses = [404]
    code, stdout, stderr = download(LM_MODEL=f"{web.url}?token=swordfish").ended()
    assert code == 1
    assert f"{web.url} answers 404 Not Found" in stderr
    assert "swordfish" not in stdout + stderr


def test_a_model_larger_than_the_disk_is_refused_before_it_is_fetched(download, web):
    web.claimed = 10**16
    code, _, stderr = download().ended()
    assert code == 1
    assert "the model needs 10,000,000,000.0 MB more" in stderr


def test_a_cache_that_cannot_be_used_is_named(download, tmp_path):
    (tmp_path / "file").touch()
    code, _, stderr = download(LM_CACHE=tmp_path / "file" / "models").ended()
    assert code == 1
    assert stderr == f"lm-api: LM_CACHE: {tmp_path}/file/models cannot be used: Not a directory\n"


def test_two_processes_share_one_download(download, web):
    web.release.clear()
    first, second = download(), download()
    first.wait_for("listening")
    second.wait_for("listening")
    web.release.set()
    first.wait_for("ready:")
    second.wait_for("ready:")
    assert len(web.requests) == 1


def test_http_is_refused_without_a_hash_except_from_this_machine():
    with pytest.raises(StartError, match="LM_MODEL_SHA256"):
        Download("http://models.example/a.gguf", None)
    assert Download("http://models.example/a.gguf", SHA256).name.endswith("-a.gguf")


def test_equal_names_from_different_addresses_are_kept_apart():
    one, other = Download("https://a.example/m.gguf", None), Download("https://b.example/m.gguf", None)
    assert one.name != other.name
