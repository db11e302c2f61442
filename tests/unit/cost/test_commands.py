"""`chatops cost` and `chatops prices`: bad input, damaged files, and a price list that misbehaves.

Most run in this process, as the entry point would: a hundred processes take a minute.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from rehearsal import Machine, Ran
from typer.testing import CliRunner

from chatops.azure.retail import fetch
from chatops.cli.main import app
from chatops.cost.prices import Price, old
from chatops.errors import ChatopsError, CloudError, NotReachable
from chatops.localcloud.certificates import Certificates

CASES = Path(__file__).parents[2] / "cases" / "cost"
Answer = tuple[int, dict[str, str], bytes]


class Here(Machine):
    """A machine whose commands run in this process."""

    def chatops(self, *words: str, code: int = 0) -> Ran:
        result = CliRunner().invoke(app, words)
        ran = Ran(result.exit_code, result.stdout, result.stderr)
        if isinstance(result.exception, ChatopsError):
            error = result.exception
            ran = Ran(error.exit_code, result.stdout, f"{result.stderr}{error.message}\n{error.hint}")
        assert ran.code == code, f"{words}: {result.exception!r}\n{ran.out}\n{ran.err}"
        return ran


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Here(tmp_path / "folder", tmp_path / "home")
    machine.folder.mkdir()
    machine.config.write_text((CASES / "whole.yaml").read_text())
    monkeypatch.chdir(machine.folder)
    monkeypatch.setenv("CHATOPS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CHATOPS_HOME", str(machine.home))
    monkeypatch.setenv("NO_COLOR", "1")
    return machine


def refreshed(machine: Machine, text: str) -> Path:
    file = machine.folder.parent / "cache" / "prices" / "retail.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def total(machine: Machine, *words: str) -> float:
    stack = machine.chatops("cost", "--output", "json", *words).objects[0]["stacks"][0]
    return float(stack["total"]["expected"]["high"])


def test_it_needs_no_login_and_starts_nothing(machine: Machine) -> None:
    shown = Machine(machine.folder, machine.home).chatops("cost")
    assert "An expected month costs $181.17 to $184.95." in shown.out
    assert shown.err == ""
    assert not machine.home.exists()


def test_people_and_hours_are_told_and_count(machine: Machine) -> None:
    assert total(machine, "--users", "40") >= total(machine)
    assert total(machine, "--hours", "24") > total(machine, "--hours", "1")
    assert "40 people at a time, 3.5 hours a day" in machine.chatops("cost", "--users", "40", "--hours", "3.5").out


def test_usage_of_the_file_counts_until_the_command_says_otherwise(machine: Machine) -> None:
    machine.config.write_text(machine.config.read_text().replace("lm-api: {", "lm-api: {usage: {hours: 24}, "))
    assert "lm-api: 24 hours a day, from the YAML file" in machine.chatops("cost").out
    assert total(machine) > total(machine, "--hours", "8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--region", "atlantis"), 'Azure has no region "atlantis"'),
        (("--region", "westeurop"), "did you mean westeurope?"),
        (("--users", "-1"), "--users"),
        (("--hours", "25"), "--hours"),
        (("--users", "many"), "--users"),
        (("--month", "2027-13"), '"2027-13" is no month'),
        (("--month", "soon"), '"soon" is no month'),
        (("--compare", "atlantis"), 'Azure has no region "atlantis"'),
        (("--compare", "nowhere.yaml"), "nowhere.yaml"),
        (("--format", "pdf"), "--format"),
        (("--format", "csv", "--out", "no/such/folder/cost.csv"), "writing no/such/folder/cost.csv"),
    ],
)
def test_bad_words_are_told(machine: Machine, words: tuple[str, ...], said: str) -> None:
    assert said in machine.chatops("cost", *words, code=2).err


def test_negative_usage_in_the_file_is_refused_with_its_line(machine: Machine) -> None:
    machine.config.write_text("services:\n  ui:\n    usage:\n      hours: -1\n")
    assert "chatops.yaml:4:14 services.ui.usage.hours" in machine.chatops("cost", code=2).err


@pytest.mark.parametrize("name", ["page.html", "picture.svg", "data.json", "data.csv"])
def test_it_writes_files(machine: Machine, name: str) -> None:
    form = name.rpartition(".")[2]
    said = machine.chatops("cost", "--format", form, "--out", name, "--compare", "westeurope")
    assert said.out == ""
    text = (machine.folder / name).read_text(encoding="utf-8")
    assert text == machine.chatops("cost", "--format", form, "--compare", "westeurope").out


@pytest.mark.parametrize("damage", ["", "{", '{"currency": "USD"}', '{"currency": "EUR", "prices": []}', "[1]"])
def test_a_damaged_price_file_is_told_and_left_out(machine: Machine, damage: str) -> None:
    file = refreshed(machine, damage)
    shown = machine.chatops("cost").out
    assert f"{file} is damaged and left out" in shown
    assert "An expected month costs $181.17 to $184.95." in shown


def vault_price(price: str, as_of: str) -> str:
    row = {"meter": "key-vault/operations", "region": "eastus", "price": price, "unit": "10K", "as_of": as_of}
    return json.dumps({"currency": "USD", "prices": [{**row, "confidence": "retail", "source": "a test"}]})


def test_refreshed_prices_go_before_the_bundled_ones(machine: Machine) -> None:
    before = total(machine)
    refreshed(machine, vault_price("100.03", "2026-11-01"))
    assert total(machine) == pytest.approx(before + 0.6 * 100)


def test_a_price_file_of_long_ago_is_warned_of(machine: Machine) -> None:
    """In Germany one bundled price is undated; then there is another that is old."""
    assert "1 of these prices is undated" in machine.chatops("cost", "--region", "germanywestcentral").out
    refreshed(machine, vault_price("0.03", "2020-01-01").replace("eastus", "germanywestcentral"))
    assert "2 of these prices are undated" in machine.chatops("cost", "--region", "germanywestcentral").out


@pytest.mark.parametrize(("days", "warned"), [(0, False), (365, False), (366, True), (None, True)])
def test_a_price_is_old_after_a_year_or_without_a_date(days: int | None, warned: bool) -> None:
    today = date(2026, 11, 22)
    as_of = None if days is None else today - timedelta(days=days)
    assert bool(old([Price("x", "eastus", Decimal(1), "1", as_of, "retail", "a test")], today)) is warned


@contextmanager
def price_list(folder: Path, *answers: Answer) -> Iterator[tuple[str, str, list[str]]]:
    """Serve answers over HTTPS, one a request, the last for ever. Gives the URL, the CA's file and what was asked."""
    folder.mkdir(exist_ok=True)
    certificates = Certificates(folder)
    certificates.ensure()
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, headers, body = answers[min(len(asked), len(answers)) - 1]
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server, certificates.server_key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}/api/retail/prices", str(certificates.authority), asked
    finally:
        server.shutdown()
        server.server_close()


WHOLE: Answer = (200, {}, b"whole")


@pytest.mark.parametrize(
    ("trouble", "paused"),
    [
        ((429, {"Retry-After": "7"}, b""), [7.0]),
        ((429, {"Retry-After": "9000"}, b""), [60.0]),
        ((500, {}, b""), [1.0]),
        ((503, {}, b""), [1.0]),
        ((200, {"Content-Length": "900"}, b"half of it"), [1.0]),
    ],
)
def test_trouble_that_passes_is_waited_for(tmp_path: Path, trouble: Answer, paused: list[float]) -> None:
    pauses: list[float] = []
    with price_list(tmp_path, trouble, WHOLE) as (url, authority, _):
        assert fetch(url, authority, pauses.append) == b"whole"
    assert pauses == paused


def test_trouble_that_stays_is_told(tmp_path: Path) -> None:
    pauses: list[float] = []
    with (
        price_list(tmp_path, (429, {}, b"")) as (url, authority, asked),
        pytest.raises(CloudError, match="answered 429"),
    ):
        fetch(url, authority, pauses.append)
    assert len(asked) == len(pauses) + 1 == 6


def test_a_refusal_is_not_asked_again(tmp_path: Path) -> None:
    with (
        price_list(tmp_path, (400, {}, b"")) as (url, authority, asked),
        pytest.raises(CloudError, match="answered 400"),
    ):
        fetch(url, authority, lambda _: pytest.fail("it waited"))
    assert len(asked) == 1


def test_a_stranger_is_not_believed(tmp_path: Path) -> None:
    """The server's certificate is of an authority that this machine does not trust."""
    with price_list(tmp_path, WHOLE) as (url, _, asked), pytest.raises(NotReachable, match="CERTIFICATE_VERIFY_FAILED"):
        fetch(url, None, lambda _: None)
    assert asked == []


def test_prices_without_tls_are_not_asked_for() -> None:
    with pytest.raises(CloudError, match="not an https URL"):
        fetch("http://127.0.0.1/api/retail/prices")


@contextmanager
def local_list(machine: Machine, *answers: Answer) -> Iterator[list[str]]:
    """A local cloud that serves a copy of the price list, as far as `prices refresh --from local` looks."""
    with price_list(machine.folder.parent / "tls", *answers) as (url, authority, asked):
        world = machine.home / "cloud"
        world.mkdir(parents=True)
        about = {"arm": url, "prices": url, "ca_file": authority}
        (world / "endpoint.json").write_text(json.dumps(about))
        yield asked


VAULT = (CASES / "retail" / "key-vault-westeurope.json").read_bytes()


def test_a_refresh_brings_new_prices(machine: Machine) -> None:
    ran_before = machine.chatops("prices", "show", "--region", "westeurope", "--output", "json").objects
    with local_list(machine, (200, {}, VAULT)):
        ran = machine.chatops("prices", "refresh", "--from", "local", "--region", "westeurope", "--output", "json")
    assert ran.objects[0]["prices"] == 1
    assert re.search("not on the list in westeurope: .*Basic registry", ran.err)
    rows = {row["meter"]: row for row in machine.chatops("prices", "show", "--output", "json").objects}
    assert rows["key-vault/operations"]["region"] in ("eastus", "germanywestcentral", "westeurope")
    after = machine.chatops("prices", "show", "--region", "westeurope", "--output", "json").objects
    vault = next(row for row in after if row["meter"] == "key-vault/operations" and row["region"] == "westeurope")
    assert (vault["price"], vault["confidence"]) == ("0.03", "retail")
    assert vault["source"].startswith("https://127.0.0.1")
    assert len(after) == len(ran_before)


@pytest.mark.parametrize("bad", [VAULT[:700], VAULT.replace(b'"USD"', b'"EUR"'), b"", b"{}"])
def test_a_bad_answer_leaves_the_prices_as_they_were(machine: Machine, bad: bytes) -> None:
    file = refreshed(machine, vault_price("0.03", "2026-11-01"))
    before = file.read_bytes()
    with local_list(machine, (200, {}, bad)):
        ran = machine.chatops("prices", "refresh", "--from", "local", "--region", "westeurope", code=1)
    assert "refused" in ran.err
    assert "the prices stay as they were" in ran.err
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_an_unknown_region_is_not_asked_for(machine: Machine) -> None:
    with local_list(machine, (200, {}, VAULT)) as asked:
        said = machine.chatops("prices", "refresh", "--from", "local", "--region", "atlantis", code=2).err
    assert 'Azure has no region "atlantis"' in said
    assert asked == []
