"""`python -m training.evaluate models/demo-q8_0.gguf`: ask the model in real llama.cpp, greedily, and count.

An answer is right when it is exactly the one that the corpus has for that intent, fact or fallback.
"""

import argparse
import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from training.conversations import NO_NAME
from training.corpus import Corpus, Pair
from training.questions import read_evaluation

Messages = list[dict[str, str]]
Ask = Callable[[Messages], str]
SEEN_PER_INTENT = 3
SEEN_FACTS = 150
MAX_TOKENS = 80


@dataclass(frozen=True)
class Case:
    """What a user says, turn by turn, and the one right answer to the last of it."""

    user: tuple[str, ...]
    answer: str


@dataclass(frozen=True)
class Result:
    """How many cases of a list came out right, and what was said in the others."""

    name: str
    total: int
    misses: tuple[tuple[str, str], ...]

    @property
    def right(self) -> int:
        """The number of exactly right answers."""
        return self.total - len(self.misses)


def lists(corpus: Corpus) -> dict[str, list[Case]]:
    """The evaluation's lists by name: what training has seen, and what was kept out of it."""
    rewordings, off_topic = read_evaluation("rewordings"), read_evaluation("off_topic")
    answers = {intent.name: intent.answer for intent in corpus.intents}
    fallback = corpus.off_topic.fallback
    return {
        "seen": _seen(corpus),
        "rewordings, trial": [*_asked(rewordings["trial"], answers), *_asked(rewordings["trial-slots"])],
        "rewordings, own": [*_asked(rewordings["own"], answers), *_asked(rewordings["own-slots"])],
        "off topic, trial": [Case((question,), fallback) for question in off_topic["trial"]],
        "off topic, own": [Case((question,), fallback) for question in off_topic["own"]],
        "dialogues": [Case(tuple(dialogue["user"]), dialogue["answer"]) for dialogue in off_topic["dialogue"]],
    }


def _asked(questions: dict[str, list[str]], answers: dict[str, str] | None = None) -> list[Case]:
    return [Case((text,), answers[key] if answers else key) for key, texts in questions.items() for text in texts]


def _seen(corpus: Corpus) -> list[Case]:
    """A fixed sample of the corpus, every intent in it, as a person would type it: a capital first, a question mark."""
    rng = random.Random(7)  # noqa: S311 - a fixed sample
    known = [Pair(intent.question(rng), intent.answer) for intent in corpus.intents for _ in range(SEEN_PER_INTENT)]
    known += [corpus.fact_pair(rng) for _ in range(SEEN_FACTS)]
    return [Case((pair.question[:1].upper() + pair.question[1:] + "?",), pair.answer) for pair in known]


def evaluate(ask: Ask, name: str, cases: Iterable[Case]) -> Result:
    """Ask every case of a list."""
    answers = [(case, converse(ask, case.user)) for case in cases]
    misses = tuple((" / ".join(case.user), answer) for case, answer in answers if answer != case.answer)
    return Result(name, len(answers), misses)


def converse(ask: Ask, user: tuple[str, ...]) -> str:
    """Say it turn by turn, the model's own answers in between; its last answer."""
    messages: Messages = []
    answer = NO_NAME
    for text in user:
        messages.append({"role": "user", "content": text})
        answer = ask(messages)
        messages.append({"role": "assistant", "content": answer})
    return answer


def llama_cpp(model: Path) -> Ask:
    """The model in llama.cpp, in this process, on one thread, greedy."""
    from lm_api.libgomp import prepare_openmp

    prepare_openmp()
    import xllamacpp  # type: ignore[import-untyped,import-not-found,unused-ignore]

    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.n_ctx, params.n_parallel, params.verbosity = 1024, 1, 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)

    def ask(messages: Messages) -> str:
        request = {"messages": messages, "temperature": 0, "max_tokens": MAX_TOKENS}
        return str(server.handle_chat_completions(request)["choices"][0]["message"]["content"])

    return ask


def main() -> None:
    """Print one line a list, and the misses of the lists that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--misses", nargs="*", default=[], help="lists whose misses are shown")
    args = parser.parse_args()
    ask = llama_cpp(args.model)
    for name, cases in lists(Corpus()).items():
        result = evaluate(ask, name, cases)
        print(f"{name:20} {result.right:4} of {result.total}")
        if name in args.misses:
            print(json.dumps(result.misses, indent=1))


if __name__ == "__main__":
    main()
