"""The real Azure CLI as the tests drive it: unmodified, from a folder of its own, watched for whom it talks to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal import CHATOPS, Machine

HERE = Path(__file__).parent / "az"
AZ = os.environ.get("CHATOPS_AZ") or shutil.which("az")
MISSING = "the Azure CLI is not here: put az on the PATH or its path into CHATOPS_AZ (pip install azure-cli==2.91.0)"
LONGEST = 500


@dataclass
class Operator:
    """Somebody with a shell in which `eval "$(chatops cloud env)"` was run. The local cloud must be running."""

    machine: Machine
    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        bare = {name: value for name, value in self.machine.environment.items() if not name.startswith("AZURE_")}
        # without its bytecode az takes 5 to 30 seconds to start
        bare.pop("PYTHONDONTWRITEBYTECODE", None)
        shell = f'eval "$({CHATOPS} cloud env)" && env -0'
        printed = subprocess.run(["bash", "-c", shell], env=bare, check=True, capture_output=True, text=True).stdout
        self.environment = dict(line.split("=", 1) for line in printed.split("\0") if "=" in line)
        self.environment |= {"PYTHONPATH": str(HERE / "observer"), "OBSERVED": str(self.folder / "observed")}
        (self.folder / "bin").mkdir(exist_ok=True)
        (self.folder / "bin" / "az").symlink_to(AZ or "az")
        self.environment["PATH"] = f"{self.folder / 'bin'}{os.pathsep}{self.environment['PATH']}"

    def run(self, *words: str, stdin: int = subprocess.DEVNULL, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            cwd=self.folder,
            env=self.environment | more,
            stdin=stdin,
            capture_output=True,
            text=True,
            timeout=LONGEST,
        )

    def az(self, *words: str) -> Any:
        """One command that must succeed; its answer."""
        ran = self.run("az", *words, "--output", "json")
        assert ran.returncode == 0, f"az {' '.join(words)}\n{ran.stdout}\n{ran.stderr}\n{self.machine.daemon_log()}"
        return json.loads(ran.stdout) if ran.stdout.strip() else None

    def login(self) -> None:
        who = self.environment
        names = ("--username", who["AZURE_CLIENT_ID"], "--password", who["AZURE_CLIENT_SECRET"])
        self.az("login", "--service-principal", *names, "--tenant", who["AZURE_TENANT_ID"])

    def contacted(self) -> set[str]:
        """Every address that az connected to, and every name that it looked up."""
        return {line.split(" ", 1)[1] for line in (self.folder / "observed").read_text().splitlines()}
