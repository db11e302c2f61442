"""What the end-to-end tests drive: the installed command line on a home of its own, and people who chat on its page."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from base_image import cache

LOCAL_CONFIG = Path(__file__).parents[1] / "configs" / "local.yaml"
CHATOPS = Path(sys.executable).parent / "chatops"
NO_ENGINE = "unix:///var/run/there-is-no-engine.sock"
LONGEST = 500
AT_START = dict(os.environ)
"""The environment of whoever started the tests, before any of them changed it."""


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Machine:
    """A folder with a chatops.yaml, a home for the local cloud, and everything that was ever printed there.

    `engine` is DOCKER_HOST: without one, replicas are processes whatever else the machine has.
    """

    folder: Path
    home: Path
    command: Path = CHATOPS
    engine: str = NO_ENGINE
    variables: dict[str, str] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "chatops.yaml"

    @property
    def environment(self) -> dict[str, str]:
        """The cache is shared between tests: what it holds can be made again from its key."""
        places = {"CHATOPS_HOME": str(self.home), "CHATOPS_CACHE": str(cache()), "DOCKER_HOST": self.engine}
        return {**AT_START, **places, **self.variables, "NO_COLOR": "1"}

    def chatops(self, *words: str, code: int = 0) -> Ran:
        ran = subprocess.run(
            [str(self.command), *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST,
        )
        self.printed += [ran.stdout, ran.stderr]
        assert ran.returncode == code, f"{words}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}\n{self.daemon_log()}"
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def daemon_log(self) -> str:
        log = self.home / "logs" / "daemon.log"
        return log.read_text()[-3000:] if log.exists() else ""

    def journal(self) -> list[dict[str, Any]]:
        return self.chatops("cloud", "calls", "--output", "json").objects

    def page(self) -> str:
        return str(self.chatops("open", "--output", "json").objects[-1]["page"])

    def processes(self) -> list[psutil.Process]:
        """Every process of this machine's local cloud: the daemon, replicas, database servers.

        What was seen of one is in its `info`: it may end at any moment.
        """
        found = []
        for process in psutil.process_iter(["name", "cmdline", "cwd", "environ"]):
            seen = process.info
            about = [*(seen["cmdline"] or ()), seen["cwd"] or "", *(seen["environ"] or {}).values()]
            if str(self.home / "cloud") in " ".join(about) and process.pid != os.getpid():
                found.append(process)
        return found

    def left_behind(self) -> list[psutil.Process]:
        """Those that do not end by themselves, where all should."""
        psutil.wait_procs(self.processes(), timeout=120)
        return self.processes()


@dataclass
class Person:
    """Somebody with a browser's cookie who chats through the page's own forms."""

    client: httpx.Client
    page: str = ""

    def visit(self, page: str) -> None:
        """Go to the page at this address, with the cookie that there is."""
        self.page = page.rstrip("/")
        self.client.headers["Origin"] = self.page

    def ask(self, question: str, patience: float = 120) -> str:
        """Send a message in a new chat and return the whole answer's page."""
        landing = self.client.get(self.page, timeout=patience)
        assert landing.status_code == 200, landing.text
        action = re.search(r'id="composer"[^>]*action="([^"]+)"', landing.text)
        message_id = re.search(r'name="message_id" value="([^"]+)"', landing.text)
        assert action and message_id, landing.text
        form = {"message": question, "message_id": message_id[1]}
        answer = self.client.post(self.page + action[1], data=form, follow_redirects=True, timeout=patience)
        assert answer.status_code == 200, answer.text
        return answer.text
