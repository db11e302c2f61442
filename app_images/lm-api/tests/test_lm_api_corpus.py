"""The corpus: one meaning per question, nothing of the evaluation in training, a tokenizer that loses nothing."""

from collections import defaultdict
from itertools import islice
from random import Random

import pytest
from training.conversations import Conversations
from training.corpus import Corpus
from training.dress import mistyped
from training.evaluate import lists
from training.grammar import sample
from training.questions import kept_out, normalized
from training.tokenizer import SPECIALS, Tokenizer, learn

QUESTIONS_PER_INTENT = 300
SAMPLE = 3000


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus()


@pytest.mark.parametrize(
    ("pattern", "sentences"),
    [
        ("plain words", {"plain words"}),
        ("(a|b) c", {"a c", "b c"}),
        ("a [b] c", {"a b c", "a c"}),
        ("[a|b] c", {"a c", "b c", "c"}),
        ("(a (b|c)|d [e])", {"a b", "a c", "d e", "d"}),
        ("what (is|'s) it", {"what is it", "what's it"}),
    ],
)
def test_a_pattern_gives_just_its_sentences(pattern, sentences):
    rng = Random(1)
    assert {sample(pattern, rng) for _ in range(200)} == sentences


@pytest.mark.parametrize("pattern", ["(a|b", "[a", "a (b [c) d"])
def test_a_bracket_that_is_not_closed_is_an_error(pattern):
    with pytest.raises(ValueError, match="missing"):
        sample(pattern, Random(1))


def test_no_question_has_two_answers(corpus):
    rng = Random(2)
    answers = defaultdict(set)
    for intent in corpus.intents:
        for _ in range(QUESTIONS_PER_INTENT):
            answers[normalized(intent.question(rng))].add(intent.answer)
    for pair in (draw(rng) for draw in (corpus.fact_pair, corpus.off_topic_pair) for _ in range(SAMPLE)):
        answers[normalized(pair.question)].add(pair.answer)
    assert {question: both for question, both in answers.items() if len(both) > 1} == {}


def test_intents_and_answers_are_unique_and_short(corpus):
    names = [intent.name for intent in corpus.intents]
    texts = [intent.answer for intent in corpus.intents]
    assert len(set(names)) == len(names) == len(set(texts))
    assert [text for text in texts if len(text) > 160] == []


def test_no_question_of_the_evaluation_is_ever_trained_on():
    texts = ["what is chatops and where are my messages?"]
    tokenizer = Tokenizer(learn(texts, 300 + len(SPECIALS)))
    conversations = Conversations(tokenizer, Random(3), kept_out())
    user, end = tokenizer.ids["<|user|>"], tokenizer.ids["<|end|>"]
    asked = set()
    for tokens in islice(conversations, SAMPLE):
        starts = [index + 1 for index, token in enumerate(tokens.ids) if token == user]
        asked |= {normalized(tokenizer.decode(tokens.ids[at : tokens.ids.index(end, at)])) for at in starts}
    assert len(asked) > SAMPLE
    assert not asked & kept_out()


def test_the_evaluation_names_only_intents_that_exist(corpus):
    assert {name: len(cases) for name, cases in lists(corpus).items() if name != "seen"} == {
        "rewordings, trial": 20,
        "rewordings, own": 65,
        "off topic, trial": 30,
        "off topic, own": 45,
        "dialogues": 5,
    }


@pytest.mark.parametrize("text", ["Hello, world!", "naïve café 漢字 😀", "a  b\n\tc", "  lead", "1234567 $%&", ""])
def test_the_tokenizer_loses_nothing(text):
    tokenizer = Tokenizer(learn(["hello world what is a token"] * 3, 320))
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_typing_error_changes_one_place_only():
    rng = Random(4)
    for _ in range(200):
        wrong = mistyped("continuous batching", rng)
        assert abs(len(wrong) - 19) <= 1
        assert wrong[0] == "c"
        assert wrong[-1] == "g"
