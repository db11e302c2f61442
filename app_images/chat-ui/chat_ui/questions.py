"""What a person may send: checked, in words, before it is stored or reaches the model."""

import unicodedata

from .errors import Refusal

MAX_LETTERS = 8000
TITLE_LETTERS = 60
PER_MESSAGE = 8  # tokens that a chat template adds around a message


class BadQuestion(Refusal):
    """The message cannot be sent; the sentence says why and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(422, sentence)


def check(text: str, prompt_tokens: int) -> str:
    """The text, trimmed and with plain line ends; raises BadQuestion when the model has no room for it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not any(_visible(letter) for letter in text):
        raise BadQuestion("The message is empty. Type something first.")
    if odd := next((letter for letter in text if _odd(letter)), None):
        raise BadQuestion(
            f"The message contains a control character (U+{ord(odd):04X}) that cannot be sent. Remove it."
        )
    if len(text) > MAX_LETTERS or tokens(text) > prompt_tokens:
        raise BadQuestion(f"The message is too long for the model ({len(text):,} characters). Please shorten it.")
    return text


def tokens(text: str) -> int:
    """About how many tokens the text costs, rather too many than too few: small vocabularies spell out what is rare."""
    plain = sum(letter == " " or "a" <= letter <= "z" for letter in text)
    return plain // 2 + len(text.encode()) - plain + PER_MESSAGE


def title(text: str) -> str:
    """A chat's title: the beginning of its first message, cut between words, on one line."""
    line = " ".join(text.split())
    if len(line) <= TITLE_LETTERS:
        return line
    cut = line[:TITLE_LETTERS]
    return (cut.rsplit(" ", 1)[0] if " " in cut[TITLE_LETTERS // 2 :] else cut) + "…"


def _visible(letter: str) -> bool:
    return unicodedata.category(letter)[0] not in "ZC"


def _odd(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\t"
