"""Whatever the file holds, loading it gives a Config or a ConfigError whose problems have a place; nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chatops.config import Config, bundled
from chatops.config.document import parse
from chatops.config.fields import rows
from chatops.config.load import validate
from chatops.errors import ConfigError

FIELDS = sorted({part for row in rows() for part in row.path.split(".")} | {"ui", "db-api", "lm-api", "<<"})
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        ["10.0.0.0/24", "10.0.0.0/27", "4Gi", "0.5", "azure", "chat-ui", "./x", "https://[", "lm-api", "*", ""]
    )
)
junk = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=25,
)


def outcome(text: str) -> Config | ConfigError:
    try:
        return validate(parse(text, "junk.yaml"), Path("/nonexistent"))
    except ConfigError as error:
        return error


def must_be_told(result: Config | ConfigError) -> None:
    if isinstance(result, Config):
        return
    assert result.problems
    for problem in result.problems:
        assert problem.file == "junk.yaml"
        assert problem.found
        assert f"{problem}".encode()


@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), junk, max_size=6))
@settings(max_examples=300)
def test_any_mapping(data: dict[str, Any]) -> None:
    result = outcome(json.dumps(data))
    must_be_told(result)
    if isinstance(result, ConfigError):
        assert all(problem.line is not None and problem.column is not None for problem in result.problems)


@given(st.text(max_size=200) | st.text(alphabet="{}[]:,-&*!|>'\"%#?@` \n\tab1<~", max_size=60))
@settings(max_examples=300)
def test_any_text(text: str) -> None:
    must_be_told(outcome(text))


def _places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(place for key, value in children for place in _places(value, (*path, key)))]


WHOLE = parse(bundled.config_file("azure").read_text(encoding="utf-8"), "azure.yaml").data


@given(st.sampled_from(_places(WHOLE)[1:]), junk)
@settings(max_examples=300)
def test_one_bad_spot_in_a_good_file(place: tuple[Any, ...], value: Any) -> None:
    """The problems are at that spot, or at a field that a rule ties to it."""
    data = json.loads(json.dumps(WHOLE))
    inner = data
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    result = outcome(json.dumps(data))
    must_be_told(result)
    if isinstance(result, ConfigError):
        sections = {problem.path.replace("[", ".").split(".")[0] for problem in result.problems}
        assert sections <= {str(place[0]), "azure"}
