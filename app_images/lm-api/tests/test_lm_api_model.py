"""The bundled model is asked things, greedily, in real llama.cpp: what it was taught, and what it never saw.

The thresholds lie a little below what was measured (training/README.md), so that they fail when the model or the
corpus gets worse, not when llama.cpp rounds differently.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
from lm_api.settings import BUNDLED_MODEL
from training.conversations import SYSTEM_MESSAGES
from training.corpus import Corpus
from training.evaluate import MAX_TOKENS, Messages, Result, evaluate, lists

LISTS = lists(Corpus())
AT_ONCE = 4


@pytest.fixture(scope="module")
def results(lm) -> dict[str, Result]:
    """Every list, asked over HTTP, several questions at once."""

    def ask(messages: Messages) -> str:
        body = {"messages": messages, "temperature": 0, "max_tokens": MAX_TOKENS}
        return lm.client.post("/v1/chat/completions", json=body).json()["choices"][0]["message"]["content"]

    def asked(name: str) -> Result:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            parts = list(pool.map(lambda case: evaluate(ask, name, [case]), LISTS[name]))
        return Result(name, len(parts), tuple(miss for part in parts for miss in part.misses))

    return {name: asked(name) for name in LISTS}


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("seen", 0.94),
        ("rewordings, trial", 0.80),
        ("rewordings, own", 0.70),
        ("off topic, trial", 0.86),
        ("off topic, own", 0.88),
        ("dialogues", 0.8),
    ],
)
def test_the_model_answers_as_well_as_was_measured(results, name, least):
    result = results[name]
    assert result.right >= least * result.total, f"{result.right} of {result.total}: {result.misses}"


def test_a_system_message_changes_nothing(lm):
    body = {"messages": [{"role": "user", "content": "What is chatops?"}], "temperature": 0}
    plain = lm.client.post("/v1/chat/completions", json=body).json()
    body["messages"].insert(0, {"role": "system", "content": SYSTEM_MESSAGES[0]})
    assert lm.client.post("/v1/chat/completions", json=body).json()["choices"] == plain["choices"]


def test_the_model_is_about_2_megabytes():
    assert 1_500_000 < BUNDLED_MODEL.stat().st_size < 2_500_000
