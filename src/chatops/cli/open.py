"""`chatops open`: the page, in a browser."""

from __future__ import annotations

import sys
import webbrowser

from chatops.cli.options import ConfigFile, Output, OutputFormat
from chatops.cli.session import open_session
from chatops.errors import ChatopsError


def open_page(config: ConfigFile = None, output: OutputFormat = Output.human) -> None:
    """Open the chat page in the browser, and print its URL. Off a terminal it only prints."""
    session = open_session(config, output)
    url = session.page_url() if session.target.there else None
    if url is None:
        raise ChatopsError(f"there is no page: stack '{session.config.name}' is not up", hint="chatops up")
    session.view.value("page", url)
    if sys.stdout.isatty():
        webbrowser.open(url)
