"""Answers are often Markdown; here it becomes HTML, and nothing else does: raw HTML and images stay text."""

from markdown_it import MarkdownIt
from markupsafe import Markup

_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table").disable("image")


def to_html(text: str) -> Markup:
    """The text as HTML; markup-like text in it is escaped and links lead only to http, https and mailto."""
    return Markup(_markdown.render(text))  # noqa: S704
