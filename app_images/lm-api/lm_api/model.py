"""From LM_MODEL to a file that the engine can load: a path as it is, an https URL through the cache."""

import hashlib
from pathlib import Path

from lm_api.errors import StartError

GGUF_MAGIC = b"GGUF"
CHUNK = 1 << 20


def is_url(model: str) -> bool:
    """Whether LM_MODEL is to be downloaded."""
    return model.startswith(("https://", "http://"))


def check_gguf(path: Path) -> None:
    """Raise StartError unless the path is a readable file that starts as a GGUF does."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(GGUF_MAGIC))
    except FileNotFoundError:
        raise StartError(f"LM_MODEL: there is no file {path}") from None
    except OSError as error:
        raise StartError(f"LM_MODEL: {path} cannot be read: {error.strerror}") from None
    if magic != GGUF_MAGIC:
        raise StartError(f"LM_MODEL: {path} is not a GGUF file")


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hexadecimal; about 1 s per GB."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def check_sha256(path: Path, expected: str | None) -> None:
    """Raise StartError, both hashes named, unless the file is the expected one; nothing expected is always right."""
    found = sha256_of(path) if expected else None
    if found != expected:
        raise StartError(f"LM_MODEL: {path.name} is not the expected file: SHA-256 {found}, expected {expected}")
