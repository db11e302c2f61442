"""An article's deployment with nothing but the real `az`, against a fresh local cloud and nothing else."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from operator_az import AZ, HERE, MISSING, Operator
from rehearsal import Machine

pytestmark = pytest.mark.skipif(AZ is None, reason=MISSING)
RECORD = 'az() { command az "$@"; local code=$?; echo "$code $1 $2 $3" >>"$COMMANDS"; return $code; }'


@dataclass
class Article:
    """What is there after the script: the operator, how each command ended, and what was printed."""

    operator: Operator
    commands: list[str]
    code: int
    printed: str


@pytest.fixture(scope="module")
def article(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Article]:
    root = tmp_path_factory.mktemp("article")
    machine = Machine(root, root / "home")
    machine.chatops("cloud", "start")
    operator = Operator(machine, root / "operator")
    ran = operator.run(
        "bash",
        "-c",
        f"{RECORD}\nsource {HERE / 'deployment.sh'}",
        COMMANDS=str(root / "commands"),
        BUILD=str(HERE / "service"),
        DATABASE_PASSWORD="Made-4-this-test",
    )
    yield Article(operator, (root / "commands").read_text().splitlines(), ran.returncode, ran.stdout + ran.stderr)
    machine.chatops("cloud", "reset", "--yes")


def test_every_command_succeeds(article: Article) -> None:
    assert article.code == 0, article.printed[-5000:] + article.operator.machine.daemon_log()
    assert len(article.commands) >= 30
    assert [line for line in article.commands if not line.startswith("0 ")] == []


def test_what_was_made_runs(article: Article) -> None:
    operator = article.operator
    app = operator.az("containerapp", "show", "-g", "article-rg", "-n", "ui")
    ingress = app["properties"]["configuration"]["ingress"]
    assert [(one["name"], one["bindingType"]) for one in ingress["customDomains"]] == [
        ("chat.contoso.example", "SniEnabled")
    ]
    address = operator.machine.chatops("cloud", "status", "--output", "json").objects[0]["ingress"]
    assert requests.get(address, headers={"Host": ingress["fqdn"]}, timeout=120).text == "hello-again"
    named = {one["name"] for one in operator.az("containerapp", "list", "-g", "article-rg")}
    assert named == {"ui", "db-api", "lm-api"}


def test_traffic_went_from_one_revision_to_the_next(article: Article) -> None:
    ui = ("-g", "article-rg", "-n", "ui")
    traffic = article.operator.az("containerapp", "ingress", "traffic", "show", *ui)
    shares = {one.get("revisionName"): (one["weight"], one.get("label")) for one in traffic}
    (before,) = (name for name in shares if name not in (None, "ui--next"))
    assert shares == {None: (0, None), before: (0, None), "ui--next": (100, "next")}
    (active,) = article.operator.az("containerapp", "revision", "list", *ui)
    assert (active["name"], active["properties"]["trafficWeight"]) == ("ui--next", 100)
    shown = article.operator.az("containerapp", "revision", "show", *ui, "--revision", before)
    assert shown["properties"]["active"] is False


def test_exec_reaches_into_a_replica(article: Article) -> None:
    master, slave = os.openpty()  # az wants a terminal to read from
    command = ("containerapp", "exec", "-g", "article-rg", "-n", "ui", "--command", "python -c print(6*7)")
    ran = article.operator.run("az", *command, stdin=slave)
    os.close(slave)
    os.close(master)
    assert "\n42" in ran.stdout.replace("\r", ""), ran.stdout + ran.stderr


@pytest.mark.skipif(shutil.which("docker") is None, reason="the docker command is not installed")
def test_docker_signs_in_without_an_engine(article: Article, tmp_path: Path) -> None:
    shim = tmp_path / "docker"
    # az asks `docker ps` first, which needs an engine; the sign-in itself does not
    shim.write_text(f'#!/bin/sh\n[ "$1" = ps ] && exit 0\nexec {shutil.which("docker")} "$@"\n')
    shim.chmod(0o700)
    alone = {"DOCKER_COMMAND": str(shim), "DOCKER_HOST": "tcp://127.0.0.1:1", "DOCKER_CONFIG": str(tmp_path)}
    ran = article.operator.run("az", "acr", "login", "--name", "articlecr", **alone)
    assert ran.returncode == 0, ran.stderr
    assert "Login Succeeded" in ran.stdout


def test_the_clients_secret_lies_in_private_files_only(article: Article) -> None:
    secret = article.operator.environment["AZURE_CLIENT_SECRET"]
    assert secret not in "\n".join(article.operator.machine.printed)
    holding = [path for path in article.operator.machine.home.rglob("*") if path.is_file()]
    holding = [path for path in holding if secret.encode() in path.read_bytes()]
    assert holding
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in holding)


def test_the_group_goes_with_everything_in_it(article: Article) -> None:
    article.operator.az("group", "delete", "--name", "article-rg", "--yes")
    assert article.operator.az("group", "exists", "--name", "article-rg") is False


def test_nothing_but_loopback_was_contacted(article: Article) -> None:
    assert article.operator.contacted() == {"127.0.0.1"}
    tunnels = {call["path"]: call["status"] for call in article.operator.machine.journal() if call["plane"] == "proxy"}
    allowed = {place for place, status in tunnels.items() if status == 200}
    assert allowed == {"article-vault.vault.azure.net:443", "articlecr.azurecr.io:443"}
    assert tunnels["azcliprod.blob.core.windows.net:443"] == 403
