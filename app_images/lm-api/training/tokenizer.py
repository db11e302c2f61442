"""A byte-pair vocabulary that llama.cpp's "llama" (SentencePiece) tokenizer reproduces exactly.

llama.cpp's rule: a space becomes U+2581, the text is split into characters, then the adjacent pair whose concatenation
has the highest score in the vocabulary is merged, again and again (ties: leftmost); characters that stay unknown fall
back to `<0xNN>` bytes. With score = -rank of the merge that is BPE.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

SPACE = "\u2581"
SPECIALS = ("<unk>", "<s>", "</s>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
SINGLE_CHARACTER_SCORE = -1e6


class PieceType(IntEnum):
    """GGUF's `tokenizer.ggml.token_type`."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True)
class Piece:
    """One entry of the vocabulary; its id is its place in the list."""

    text: str
    score: float
    kind: PieceType


def words(text: str) -> list[str]:
    """The text in words that carry their leading space; digits and signs stand alone.

    Merges never cross a word, so it does not matter that llama.cpp does not split this kind of vocabulary into words.
    """
    text = text.replace(" ", SPACE)
    return re.findall(rf"{SPACE}?[A-Za-z]+|{SPACE}?[0-9]|{SPACE}?[^A-Za-z0-9{SPACE}]|{SPACE}", text)


def learn(texts: Iterable[str], size: int) -> list[Piece]:
    """A vocabulary of `size` pieces: specials, 256 bytes, the most frequent merges, the characters seen."""
    counts = Counter(word for text in texts for word in words(text))
    characters = sorted({character for word in counts for character in word} | {SPACE})
    pieces = [Piece(name, 0.0, PieceType.UNKNOWN if name == "<unk>" else PieceType.CONTROL) for name in SPECIALS]
    pieces += [Piece(f"<0x{byte:02X}>", 0.0, PieceType.BYTE) for byte in range(256)]
    merges = _merges(counts, size - len(pieces) - len(characters))
    pieces += [Piece(text, -float(rank), PieceType.NORMAL) for rank, text in enumerate(merges)]
    pieces += [Piece(c, SINGLE_CHARACTER_SCORE - i, PieceType.NORMAL) for i, c in enumerate(characters)]
    return pieces + [Piece(f"<unused{i}>", 0.0, PieceType.UNUSED) for i in range(size - len(pieces))]


def _merges(counts: Counter[str], number: int) -> list[str]:
    splits = {word: list(word) for word in counts}
    merges: list[str] = []
    for _ in range(number):
        pairs: Counter[str] = Counter()
        for word, parts in splits.items():
            for left, right in pairwise(parts):
                pairs[left + right] += counts[word]
        for known in merges:  # SentencePiece knows no pairs, only texts: one may arise from two different pairs
            pairs.pop(known, None)
        if not pairs:
            break
        best = min(pairs, key=lambda text: (-pairs[text], text))
        merges.append(best)
        for word, parts in splits.items():
            if best in word:
                splits[word] = _merged(parts, best)
    return merges


def _merged(parts: list[str], text: str) -> list[str]:
    result: list[str] = []
    at = 0
    while at < len(parts):
        joined = at + 1 < len(parts) and parts[at] + parts[at + 1] == text
        result.append(text if joined else parts[at])
        at += 2 if joined else 1
    return result


class Tokenizer:
    """Text to token ids and back, as llama.cpp does it with the same pieces."""

    def __init__(self, pieces: list[Piece]) -> None:
        self.pieces = pieces
        self.ids = {piece.text: index for index, piece in enumerate(pieces)}
        self._scores = {piece.text: piece.score for piece in pieces if piece.kind is PieceType.NORMAL}
        self._cache: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        """Token ids of plain text; specials in it are not recognized."""
        return [token for word in words(text) for token in self._word(word)]

    def _word(self, word: str) -> list[int]:
        if word not in self._cache:
            self._cache[word] = [token for part in self._parts(word) for token in self._tokens(part)]
        return self._cache[word]

    def _parts(self, word: str) -> list[str]:
        parts = list(word)
        while len(parts) > 1:
            scores = [self._scores.get(a + b, -1e9) for a, b in pairwise(parts)]
            best = max(scores)
            if best == -1e9:
                break
            at = scores.index(best)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return parts

    def _tokens(self, part: str) -> list[int]:
        if part in self._scores:
            return [self.ids[part]]
        return [self.ids[f"<0x{byte:02X}>"] for byte in part.encode()]

    def decode(self, ids: list[int]) -> str:
        """The text of token ids; specials have none."""
        return b"".join(map(self._bytes, ids)).decode("utf-8", "replace").replace(SPACE, " ")

    def _bytes(self, token: int) -> bytes:
        piece = self.pieces[token]
        if piece.kind is PieceType.BYTE:
            return bytes([int(piece.text[3:5], 16)])
        return piece.text.encode() if piece.kind is PieceType.NORMAL else b""
