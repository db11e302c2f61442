"""Starting: settings, bad models and taken ports each end with exit code 1 and one line that names the cause."""

import hashlib
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from lm_api.engine import busy
from lm_api.engine_process import cause
from lm_api.errors import StartError
from lm_api.libgomp import renamed
from lm_api.settings import BUNDLED_MODEL, Settings, cpu_limit

NOT_A_MODEL = b"GGUF\x03\x00\x00\x00" + bytes(range(256)) * 100


def failure(service) -> str:
    """The one line of a service that did not start."""
    code, _, stderr = service.ended()
    assert code == 1
    assert stderr.startswith("lm-api: ")
    assert stderr.count("\n") == 1
    return stderr


def missing(folder: Path) -> Path:
    return folder / "nothing.gguf"


def directory(folder: Path) -> Path:
    return folder


def junk(folder: Path) -> Path:
    path = folder / "junk.gguf"
    path.write_bytes(b"<html>not found</html>")
    return path


def empty(folder: Path) -> Path:
    path = folder / "empty.gguf"
    path.touch()
    return path


def damaged(folder: Path) -> Path:
    path = folder / "damaged.gguf"
    path.write_bytes(NOT_A_MODEL)
    return path


def truncated(folder: Path) -> Path:
    path = folder / "truncated.gguf"
    path.write_bytes(BUNDLED_MODEL.read_bytes()[:1_000_000])
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (missing, "there is no file"),
        (directory, "cannot be read: Is a directory"),
        (junk, "is not a GGUF file"),
        (empty, "is not a GGUF file"),
        (damaged, "cannot be loaded: "),
        (truncated, "model is corrupted or incomplete"),
    ],
)
def test_a_bad_model_is_named_with_what_is_wrong(start_lm, tmp_path, make, words):
    path = make(tmp_path)
    message = failure(start_lm(LM_MODEL=path))
    assert str(path) in message
    assert words in message


def test_a_model_file_with_another_hash_is_refused_and_kept(start_lm, tmp_path):
    path = junk(tmp_path)
    path.write_bytes(NOT_A_MODEL)
    message = failure(start_lm(LM_MODEL=path, LM_MODEL_SHA256="ab" * 32))
    assert hashlib.sha256(NOT_A_MODEL).hexdigest() in message
    assert "ab" * 32 in message
    assert path.exists()


def test_the_right_hash_is_accepted(start_lm):
    digest = hashlib.sha256(BUNDLED_MODEL.read_bytes()).hexdigest()
    start_lm(LM_MODEL_SHA256=digest.upper()).wait_for("ready:")


def test_a_taken_port_is_named(start_lm):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = failure(start_lm(CONTAINER_APP_PORT=port))
    assert message == f"lm-api: cannot listen on 127.0.0.1:{port}: address already in use\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONTAINER_APP_PORT", "99999"),
        ("LM_SLOTS", "0"),
        ("LM_SLOTS", "four"),
        ("LM_CONTEXT", "12"),
        ("LM_MAX_TOKENS", "-1"),
        ("LM_THREADS", "2.5"),
        ("LM_MODEL_SHA256", "abc"),
    ],
)
def test_a_bad_setting_is_named_with_what_it_may_be(name, value):
    with pytest.raises(StartError, match=f"^{name}: expected "):
        Settings.from_environ({name: value})


def test_empty_variables_mean_the_defaults():
    names = ("HOST", "CONTAINER_APP_PORT", "LM_MODEL", "LM_MODEL_SHA256", "LM_SLOTS", "LM_CACHE")
    assert Settings.from_environ(dict.fromkeys(names, "")) == Settings.from_environ({})
    assert Settings.from_environ({}).model == str(BUNDLED_MODEL)


@pytest.mark.parametrize(
    ("files", "most"),
    [
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "199000 100000"}, 1),
        ({"cpu.max": "100000 100000"}, 1),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({}, None),
    ],
)
def test_threads_follow_the_containers_quota(tmp_path, files, most):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    unlimited = cpu_limit(tmp_path / "none")
    assert cpu_limit(tmp_path) == (most or unlimited)


def test_the_cause_is_the_engines_first_error():
    stderr = [
        "0.00.001.1 I srv          init: starting",
        "0.00.008.246 E llama_model_load: error loading model: tensor 'x' is not there",
        "0.00.008.270 E cmn  common_init_: failed to load model '/m.gguf'",
    ]
    assert cause(stderr) == "tensor 'x' is not there"
    assert cause(stderr[2:]) == "failed to load model '/m.gguf'"
    assert cause(["Traceback", "ImportError: no"]) == "ImportError: no"
    assert cause([]) == ""


def test_busy_reads_llama_cpps_metrics():
    assert busy("llamacpp:requests_processing 1\nllamacpp:requests_deferred 0")
    assert busy("llamacpp:requests_processing 0\nllamacpp:requests_deferred 2")
    assert not busy("# HELP llamacpp:requests_processing 1\nllamacpp:requests_processing 0\n")


def test_the_bundled_libgomp_gets_back_the_name_that_is_looked_for():
    library = b"\x7fELF..libgomp-870cb1d0.so.1.0.0\0..libgomp-870cb1d0.so.1.0.0\0end"
    result = renamed(library)
    assert result is not None
    assert len(result) == len(library)
    assert b"..libgomp.so.1\0" in result
    assert b"870cb1d0" not in result
    assert renamed(b"\x7fELF nothing of the kind") is None


def test_the_probe_fails_where_nothing_listens(lm):
    def probe(port: int) -> int:
        command = [sys.executable, "-m", "lm_api.probe"]
        return subprocess.run(
            command, cwd=BUNDLED_MODEL.parent.parent, env={"CONTAINER_APP_PORT": str(port)}
        ).returncode

    with socket.create_server(("127.0.0.1", 0)) as unanswered:
        port = unanswered.getsockname()[1]
    assert probe(port) == 1
    assert probe(lm.port) == 0
