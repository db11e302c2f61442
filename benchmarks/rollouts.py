"""Rollouts under load, half of them bad: what users see, what each bad one is called, how long each return takes.

    python benchmarks/rollouts.py --rollouts 100 --users 3

It brings a stack of its own up in a folder of its own, chats on its page all the while with a bounded number of users,
and deploys: good revisions of each service in turn, and in between revisions that are bad in one of nine ways. A
request fails when it ends in an error, with a status of 5xx or in half an answer. One JSON object is printed.

Out of memory is the kernel's SIGKILL, which the drill sends itself: processes have no limit of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from visitors import Visitors

ROOT = Path(__file__).resolve().parents[1]
CHATOPS = str(Path(sys.executable).parent / "chatops")
INSIDE = str(Path(__file__).with_name("inside.py"))
READY_WITHIN = 10
LONGEST_RETURN = 30.0

BAD = {
    "crash at start": r"crashes: .* exited with code 3",
    "wrong port": r"not ready within .*connection refused, nothing listens on the port",
    "500s": r"failed its smoke test: a chat was answered with HTTP 500",
    "hangs": r"not ready within .*no answer within",
    "slow start": r"not ready within .*HTTP status code 503",
    "a model that answers nothing": r"failed its smoke test: the model answered nothing",
    "out of memory": r"crashes: .* killed by signal 9",
    "missing secret": r"session-key",
    "image that does not exist": r"MANIFEST_UNKNOWN|manifest is not found",
}
"""What a rollout may be bad in, and how it has to be named."""


@dataclass
class Rollout:
    """One of them: what was asked, how it ended after how many seconds, and what was said.

    `back` is how many of the seconds passed after the verdict: until all traffic was surely where it had been, and the
    bad revision ended.
    """

    kind: str
    seconds: float
    back: float
    code: int
    said: str

    @property
    def as_expected(self) -> bool:
        if self.kind == "good":
            return self.code == 0
        return self.code == 1 and re.search(BAD[self.kind], self.said, re.DOTALL) is not None


@dataclass
class Drill:
    """A stack in a folder, on a home of its own. `environment` is that of every command."""

    folder: Path
    environment: Mapping[str, str]
    services: dict[str, Any] = field(default_factory=dict)
    number: int = 0

    def __post_init__(self) -> None:
        self.image = self.folder / "lm-drill"
        shutil.copytree(ROOT / "app_images" / "lm-api", self.image, ignore=shutil.ignore_patterns("tests", "training"))
        shutil.copy(ROOT / "benchmarks" / "drill.py", self.image)
        dockerfile = (self.image / "Dockerfile").read_text()
        ours = 'COPY drill.py drill.json ./\nCMD ["python", "drill.py"]'
        (self.image / "Dockerfile").write_text(dockerfile.replace('CMD ["python", "-m", "lm_api"]', ours))
        scale = {"min": 1, "max": 3, "cooldown": 300}
        plain = {"scale": scale, "ready_within": READY_WITHIN, "env": {"DRILL": "0"}}
        drilled = {"image": "./lm-drill", "smoke": "python -m lm_api.smoke", "cpu": 1, "memory": "2Gi"}
        self.services = {
            "ui": dict(plain, env={"DRILL": "0"}),
            "db-api": dict(plain, env={"DRILL": "0"}),
            "lm-api": {**plain, **drilled, "env": {"LM_THREADS": "1"}},
        }
        self.mean("good")

    def mean(self, kind: str) -> None:
        """Let lm-api's next image be of this kind."""
        self.number += 1
        (self.image / "drill.json").write_text(json.dumps({"kind": kind, "number": self.number}))
        self.write()

    def write(self) -> None:
        stack = {"name": "drill", "target": "local", "services": self.services}
        (self.folder / "chatops.yaml").write_text(json.dumps(stack, indent=1))

    def chatops(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [CHATOPS, *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def page(self) -> str:
        ran = self.chatops("open", "--output", "json")
        return str(json.loads(ran.stdout.splitlines()[-1])["page"]).rstrip("/")

    def roll(self, kind: str) -> Rollout:
        """One deployment. After a bad one the files say again what runs."""
        if kind == "good":
            return self._good()
        if kind == "missing secret":
            return self._without_secret()
        if kind == "image that does not exist":
            return self._timed(kind, sys.executable, INSIDE, "--missing-image", str(self.folder))
        self.mean(kind)
        return self._timed(kind, CHATOPS, "deploy", "lm-api", "--output", "json")

    def _good(self) -> Rollout:
        service = list(self.services)[self.number % len(self.services)]
        self.mean("good")
        if service != "lm-api":
            self.services[service]["env"]["DRILL"] = str(self.number)
            self.write()
        return self._timed("good", CHATOPS, "deploy", service, "--output", "json")

    def _without_secret(self) -> Rollout:
        """The vault loses the page's key; whatever is deployed meanwhile cannot be told it."""
        before = self.services["ui"]["env"]["DRILL"]
        self.services["ui"]["env"]["DRILL"] = f"without {self.number}"
        self.number += 1
        self.write()
        self._own("--lose-secret")
        try:
            return self._timed("missing secret", CHATOPS, "deploy", "ui", "--output", "json")
        finally:
            self._own("--find-secret")
            self.services["ui"]["env"]["DRILL"] = before
            self.write()

    def _own(self, verb: str) -> None:
        """A step that needs chatops as a library, in a process that has the drill's environment."""
        words = [sys.executable, INSIDE, verb, str(self.folder)]
        subprocess.run(words, env=self.environment, capture_output=True, check=True, timeout=300)

    def _timed(self, kind: str, *words: str) -> Rollout:
        began = time.monotonic()
        verdict = None
        lines = []
        with subprocess.Popen(
            words,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as running:
            for line in running.stdout or ():
                lines.append(line)
                if "giving the traffic back" in line:
                    verdict = time.monotonic()
        ended = time.monotonic()
        return Rollout(kind, ended - began, ended - (verdict or ended), running.returncode, "".join(lines))


def turns(count: int) -> list[str]:
    """Good and bad in turn, the bad ones one after the other."""
    kinds = list(BAD)
    return ["good" if number % 2 == 0 else kinds[number // 2 % len(kinds)] for number in range(count)]


def figures(done: list[Rollout], visitors: Visitors) -> dict[str, Any]:
    """What came of it."""
    seconds = defaultdict(list)
    for one in done:
        seconds[one.kind].append(one.seconds)
    bad = [one for one in done if one.kind != "good"]
    return {
        "rollouts": len(done),
        "bad": len(bad),
        "user_requests": visitors.requests,
        "answers": visitors.answers,
        "failed_user_requests": len(visitors.failures),
        "failures": visitors.failures[:10],
        "not_as_expected": [(one.kind, one.code, one.said[-1500:]) for one in done if not one.as_expected],
        "longest_return": round(max((one.back for one in bad), default=0), 1),
        "seconds": {
            kind: {"n": len(all_), "median": round(statistics.median(all_), 1), "max": round(max(all_), 1)}
            for kind, all_ in seconds.items()
        },
    }


def drill(
    folder: Path, environment: Mapping[str, str], kinds: list[str], options: argparse.Namespace
) -> dict[str, Any]:
    """Bring the stack up, roll out one kind after the other under load, and count."""
    until = time.monotonic() + options.minutes * 60
    stack = Drill(folder, environment)
    up = stack.chatops("up", "--yes")
    if up.returncode:
        raise SystemExit(up.stdout + up.stderr)
    done = []
    with Visitors(stack.page(), options.users) as visitors:
        for kind in kinds:
            if time.monotonic() > until:
                break
            done.append(stack.roll(kind))
            print(f"{len(done)}/{len(kinds)} {kind}: {done[-1].seconds:.1f} s", file=sys.stderr, flush=True)
    return figures(done, visitors)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rollouts", type=int, default=100)
    parser.add_argument("--users", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=60, help="begin no rollout after that time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rollouts-") as name:
        folder = Path(name)
        environment = {**os.environ, "CHATOPS_HOME": str(folder / "home"), "NO_COLOR": "1"}
        (folder / "stack").mkdir()
        try:
            found = drill(folder / "stack", environment, turns(options.rollouts), options)
        finally:
            subprocess.run([CHATOPS, "cloud", "reset", "--yes"], env=environment, check=False, capture_output=True)
    print(json.dumps(found, indent=1))
    bad = found["failed_user_requests"] or found["not_as_expected"] or found["longest_return"] > LONGEST_RETURN
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
