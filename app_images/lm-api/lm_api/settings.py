"""Everything that the environment decides, read once and checked."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lm_api.errors import StartError

BUNDLED_MODEL = Path(__file__).parent.parent / "models" / "demo-q8_0.gguf"
DEFAULT_CACHE = "~/.cache/chatops/models"


@dataclass(frozen=True)
class Settings:
    """What lm-api needs to know.

    `context` and `max_tokens` are in tokens, `context` per slot; `threads` is a number of CPU threads, never 0;
    `temperature` is what a request without one gets; `drain` is in seconds.
    """

    host: str
    port: int
    model: str
    model_sha256: str | None
    model_name: str
    cache: Path
    slots: int
    context: int
    max_tokens: int
    threads: int
    temperature: float
    drain: float = 25.0

    @classmethod
    def from_environ(cls, env: Mapping[str, str]) -> "Settings":
        """Read the settings; raises StartError naming the variable, what it may be and what it is."""
        return cls(
            host=env.get("HOST") or "0.0.0.0",  # noqa: S104 - a container is reached through its ingress only
            port=_integer(env, "CONTAINER_APP_PORT", 8080, 1, 65535),
            model=env.get("LM_MODEL") or str(BUNDLED_MODEL),
            model_sha256=_sha256(env),
            model_name=env.get("LM_MODEL_NAME") or "demo",
            cache=Path(env.get("LM_CACHE") or DEFAULT_CACHE).expanduser(),
            slots=_integer(env, "LM_SLOTS", 4, 1, 64),
            context=_integer(env, "LM_CONTEXT", 1024, 64, 1_048_576),
            max_tokens=_integer(env, "LM_MAX_TOKENS", 256, 1, 1_048_576),
            threads=_integer(env, "LM_THREADS", 0, 0, 512) or cpu_limit(),
            temperature=_integer(env, "LM_TEMPERATURE_PERCENT", 30, 0, 200) / 100,
        )


def _integer(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name) or str(default)
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise StartError(f"{name}: expected a whole number from {low} to {high}, got {text!r}")
    return value


def _sha256(env: Mapping[str, str]) -> str | None:
    text = (env.get("LM_MODEL_SHA256") or "").strip().lower()
    if text and (len(text) != 64 or set(text) - set("0123456789abcdef")):
        raise StartError(f"LM_MODEL_SHA256: expected 64 hexadecimal digits, got {len(text)} characters")
    return text or None


def cpu_limit(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """CPUs that this process may use: the container's quota rounded down, else the cores of its affinity; at least 1.

    More compute threads than the quota would only be throttled.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, math.floor(_cgroup_quota(cgroup))))


def _cgroup_quota(cgroup: Path) -> float:
    for files in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            words = " ".join((cgroup / name).read_text() for name in files).split()
            quota, period = float(words[0]), float(words[1])
        except (OSError, ValueError, IndexError):
            continue
        if quota > 0 and period > 0:
            return quota / period
    return 1e9
