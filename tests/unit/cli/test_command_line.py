"""The command line as a person meets it: exit codes, errors, help. Each command is a process with a home of its own."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from rehearsal import CHATOPS, Machine

BAD = Path(__file__).parents[2] / "cases" / "config"
TWENTY = (
    "a-list",
    "alias-of-itself",
    "azure-without-subscription",
    "bad-environment",
    "bad-service-name",
    "bad-stack-name",
    "bad-tags",
    "control-character",
    "cpu-that-azure-refuses",
    "database-size-unknown",
    "duplicate-keys",
    "empty",
    "everything-at-once",
    "memory-that-azure-refuses",
    "min-above-max",
    "missing-image",
    "missing-service-reference",
    "model-url-without-hash",
    "overlapping-subnets",
    "scale-out-of-range",
)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path / "folder", tmp_path / "home")
    machine.folder.mkdir()
    return machine


@pytest.mark.parametrize("name", TWENTY)
def test_a_bad_config_stops_up_before_anything_is_touched(machine: Machine, name: str) -> None:
    machine.config.write_bytes((BAD / f"{name}.yaml").read_bytes())
    ran = machine.chatops("up", "--yes", code=2)
    expected = (BAD / f"{name}.txt").read_text().replace(f"{name}.yaml", "chatops.yaml")
    assert ran.err == f"error: {expected}"
    assert ran.out == ""
    assert not machine.home.exists()


def test_an_unreadable_file_is_named(machine: Machine) -> None:
    ran = machine.chatops("plan", "-c", "nowhere.yaml", code=2)
    assert "nowhere.yaml" in ran.err
    machine.config.mkdir()
    assert "chatops.yaml" in machine.chatops("plan", code=2).err
    assert not machine.home.exists()


def test_errors_are_objects_for_programs(machine: Machine) -> None:
    machine.config.write_bytes((BAD / "min-above-max.yaml").read_bytes())
    ran = machine.chatops("up", "--output", "json", code=2)
    error = json.loads(ran.err)["error"]
    assert error["exit_code"] == 2
    assert error["problems"][0]["path"].endswith("scale.max") or error["problems"][0]["path"].endswith("scale.min")


def test_init_writes_a_file_that_is_right_and_does_not_overwrite_it(machine: Machine) -> None:
    machine.chatops("init")
    assert machine.chatops("config", "check", "--output", "json").objects[0]["ok"] is True
    before = machine.config.read_text()
    assert "--force" in machine.chatops("init", code=2).err
    assert machine.config.read_text() == before


def test_without_a_stack_every_command_says_so(machine: Machine) -> None:
    assert "nothing to take down" in machine.chatops("down").out
    assert "chatops up" in machine.chatops("status", code=1).err
    assert "chatops up" in machine.chatops("open", code=1).err
    assert "chatops cloud start" in machine.chatops("cloud", "env", code=1).err
    assert machine.chatops("cloud", "stop", "--output", "json").objects == [{"stopped": False}]
    assert not machine.home.exists()


def test_bad_usage_exits_with_2(machine: Machine) -> None:
    machine.chatops("upp", code=2)
    machine.chatops("up", "--nope", code=2)
    machine.chatops("plan", "--output", "xml", code=2)


def test_help_version_and_fields(machine: Machine) -> None:
    for words in (("--help",), ("up", "--help"), ("cloud", "--help"), ("config", "docs", "--help")):
        assert "Usage" in machine.chatops(*words).out
    assert machine.chatops("--version").out.startswith("chatops ")
    assert "services.lm-api.scale.max" in machine.chatops("config", "docs", "services.lm-api.scale").out
    assert json.loads(machine.chatops("config", "schema").out)["properties"]["services"]


def test_a_domain_is_delegated_to_a_zone_file_and_taken_back(machine: Machine) -> None:
    """Behind a company's proxy too, which knows nothing of this machine's loopback."""
    machine.variables |= {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "example.com"}
    (machine.folder / "zone").write_text("@ 60 IN SOA ns me 1 60 60 60 60\n")
    for wrong in ("chat.example.org", "chat.example.org=nowhere", "=zone"):
        assert "--dns" in machine.chatops("cloud", "start", "--dns", wrong, code=2).err
    assert not machine.home.exists()
    machine.chatops("cloud", "start", "--dns", "chat.example.org=zone", "--dns", "b.example=127.0.0.1:53")
    status = machine.chatops("cloud", "status", "--output", "json").objects[0]
    assert status["delegated"] == f"b.example=127.0.0.1:53, chat.example.org={machine.folder / 'zone'}"
    assert re.fullmatch(r"127\.0\.0\.1:\d+", status["dns"])
    machine.chatops("cloud", "start", "--dns", "chat.example.org=", "--dns", "b.example=")
    assert machine.chatops("cloud", "status", "--output", "json").objects[0]["delegated"] == ""
    machine.chatops("cloud", "reset", "--yes")


def test_the_runtime_is_chosen_once_shown_and_not_changed_under_way(machine: Machine) -> None:
    assert "the runtime 'docker' cannot be had" in machine.chatops("cloud", "start", "--runtime", "docker", code=1).err
    assert "replicas run as processes: no Docker engine answers at" in machine.chatops("cloud", "start").err
    assert machine.chatops("cloud", "status", "--output", "json").objects[0]["runtime"] == "process"
    refused = machine.chatops("cloud", "start", "--runtime", "docker", code=1).err
    assert "running with the runtime 'process'" in refused
    assert "chatops cloud stop, then chatops cloud start --runtime docker" in " ".join(refused.split())
    machine.chatops("cloud", "reset", "--yes")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("cost --format svg > /dev/full", 1, "No space left"),
        ("config docs --output json > /dev/full", 1, '"exit_code": 1'),
        ("config docs --output json >&-", 0, ""),
        ("config check -c nowhere.yaml 2>&-", 2, ""),
    ],
)
def test_an_output_that_takes_nothing_is_no_crash(machine: Machine, words: str, code: int, says: str) -> None:
    line = f"{CHATOPS} {words}"
    ran = subprocess.run(["bash", "-c", line], env=machine.environment, capture_output=True, text=True, timeout=240)
    assert ran.returncode == code, ran
    assert says in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_terminal_without_unicode_shows_what_it_can(machine: Machine) -> None:
    machine.variables |= {"PYTHONIOENCODING": "ascii"}
    assert "-$5.93?-$2.15" in machine.chatops("cost", "--region", "eastus", "--compare", "westus").out
    assert "·" in machine.chatops("cost", "--region", "eastus", "--format", "svg").out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("cost --users inf", "--users"),
        ("cost --month 0001-01", "no month"),
        ("cost --fresh", "--billed"),
        ("cost --billed --compare eastus --format csv", "does not go with --compare and --format csv"),
        ("cloud start --speed nan", "--speed"),
        ("cloud faults load not-text", "not UTF-8"),
        ("cloud faults load not-yaml", "not-yaml:2: not YAML"),
        ("init .", "is a folder"),
        ("init /dev/null/chatops.yaml", "cannot be written: Not a directory"),
        ("logs lmapi", "did you mean lm-api?"),
    ],
)
def test_what_cannot_be_is_refused_with_2(machine: Machine, words: str, says: str) -> None:
    (machine.folder / "not-text").write_bytes(b"\xff\xfe\x00")
    (machine.folder / "not-yaml").write_text("[1,\n")
    ran = machine.chatops(*words.split(), code=2)
    assert says in ran.err
    assert not machine.home.exists()
