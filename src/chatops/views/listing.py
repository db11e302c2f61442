"""Rows for people as a table, as long as it can be read in the width that there is."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.markup import escape
from rich.table import Table

GAP = 2
LEAST = 24
"""Columns of a terminal in which a long text can still be read."""


def listing(fields: Sequence[str], cells: Sequence[Sequence[str]], width: int | None) -> Table | None:
    """Return the table, in which the widest column may be wrapped; None when that does not make it fit.

    `width` None: nothing is wrapped, for a line is to be a row.
    """
    widths = [max(map(cell_len, column)) for column in zip(fields, *cells, strict=True)]
    widest, whole = max(widths, default=0), sum(widths) + GAP * (len(widths) - 1)
    room = widest if width is None else min(widest, width - (whole - widest))
    if room < min(widest, LEAST):
        return None
    sizes = [room if natural == widest else natural for natural in widths]
    table = Table(box=None, pad_edge=False, header_style="dim", width=sum(sizes) + GAP * (len(sizes) - 1))
    for name, size in zip(fields, sizes, strict=True):
        table.add_column(escape(name), width=size, overflow="fold")
    for row in cells:
        table.add_row(*map(escape, row))
    return table
