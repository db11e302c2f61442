"""`python -m chatops.localcloud --home DIR [--cache DIR] [--logs DIR]`: the local cloud in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

from .server import Daemon, HomeTaken, Places, take


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chatops.localcloud", description="Azure's management API on this machine.")
    parser.add_argument("--home", type=Path, required=True, help="where the world is kept (mode 0700)")
    parser.add_argument("--cache", type=Path, help="what may be kept over worlds (default: HOME/cache)")
    parser.add_argument("--logs", type=Path, help="logs, kept after the world is gone (default: HOME/logs)")
    parser.add_argument(
        "--role-delay",
        type=float,
        default=0,
        metavar="SECONDS",
        help="time until a role assignment counts (default: 0)",
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run until stopped. Exit codes: 0 stopped as asked, 1 the home is taken."""
    os.umask(0o077)
    asked = arguments(sys.argv[1:] if argv is None else argv)
    home = asked.home.resolve()
    places = Places(home, (asked.cache or home / "cache").resolve(), (asked.logs or home / "logs").resolve())
    places.make()
    try:
        lock = take(places)
    except HomeTaken as failure:
        print(failure, file=sys.stderr)
        return 1
    logging.basicConfig(
        filename=places.logs / "daemon.log",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    with lock:
        asyncio.run(_serve(places, asked.role_delay))
    return 0


async def _serve(places: Places, role_delay: float) -> None:
    await Daemon(places, role_delay).run()


if __name__ == "__main__":
    sys.exit(main())
