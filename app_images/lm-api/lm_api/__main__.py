"""`python -m lm_api`: the service from its port to its last request."""

import asyncio
import logging
import os
import sys

from lm_api.errors import StartError
from lm_api.service import serve
from lm_api.settings import Settings


def main() -> int:
    """Serve until SIGTERM; 0 when drained, 1 with one line on stderr when it cannot start or go on."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        asyncio.run(serve(Settings.from_environ(os.environ)))
    except StartError as error:
        print(f"lm-api: {error}", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
