"""`chatops open`: the page, in a browser."""

from __future__ import annotations

import sys
import webbrowser

from chatops.cli.options import ConfigFile, Output, OutputFormat
from chatops.cli.session import open_session


def open_page(config: ConfigFile = None, output: OutputFormat = Output.human) -> None:
    """Open the chat page in the browser, and print its URL. Off a terminal it only prints."""
    session = open_session(config, output)
    session.require_up()
    url = session.page_url()
    if url is None:
        raise session.not_up("the page")
    session.view.value("page", url)
    if sys.stdout.isatty():
        webbrowser.open(url)
