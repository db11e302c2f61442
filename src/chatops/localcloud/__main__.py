"""`python -m chatops.localcloud --home DIR [--cache DIR] [--logs DIR]`: the local cloud in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from .home import HomeTaken, Places, take
from .runtime.choice import RUNTIMES, Unfit
from .server import Daemon
from .trouble.latency import MODES

LARGEST_LOG = 8 * 2**20  # bytes


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chatops.localcloud", description="Azure's management API on this machine.")
    parser.add_argument("--home", type=Path, required=True, help="where the world is kept (mode 0700)")
    parser.add_argument("--cache", type=Path, help="what may be kept over worlds (default: HOME/cache)")
    parser.add_argument("--logs", type=Path, help="logs, kept after the world is gone (default: HOME/logs)")
    parser.add_argument(
        "--role-delay",
        type=float,
        metavar="SECONDS",
        help="time until a role assignment counts (default: as last time, at first 0)",
    )
    parser.add_argument("--latency", choices=MODES, help="how long operations take (default: as last time, or none)")
    parser.add_argument("--speed", type=float, help="divides recorded latencies (default: as last time, at first 1)")
    parser.add_argument("--runtime", choices=RUNTIMES, help="what replicas are (default: as last time, at first auto)")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run until stopped. Exit codes: 0 stopped as asked, 1 the home is taken or the runtime not to be had."""
    os.umask(0o077)
    asked = arguments(sys.argv[1:] if argv is None else argv)
    home = asked.home.resolve()
    places = Places(home, (asked.cache or home / "cache").resolve(), (asked.logs or home / "logs").resolve())
    places.make()
    wanted = {"role_delay": asked.role_delay, "latency": asked.latency, "speed": asked.speed}
    trouble = {name: value for name, value in wanted.items() if value is not None}
    try:
        lock = take(places)
    except HomeTaken as failure:
        print(failure, file=sys.stderr)
        return 1
    log = RotatingFileHandler(places.logs / "daemon.log", maxBytes=LARGEST_LOG, backupCount=1)
    logging.basicConfig(handlers=[log], level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with lock:
        try:
            asyncio.run(_serve(places, trouble, asked.runtime))
        except Unfit as failure:
            print(failure, file=sys.stderr)
            return 1
    return 0


async def _serve(places: Places, trouble: dict[str, Any], runtime: str | None) -> None:
    await Daemon(places, trouble, runtime).run()


if __name__ == "__main__":
    sys.exit(main())
