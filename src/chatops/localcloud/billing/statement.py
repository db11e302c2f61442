"""The month's bill: the ledger priced by the book, with what is free taken off where Azure takes it off.

Free units go to entries as they come, day by day, in the order of the meters that share them. A meter without a price
in its region has no cost: nobody is told that it is nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .book import Book
from .ledger import Entry, Ledger


@dataclass(frozen=True)
class Charged:
    """An entry of the ledger and what it costs in US dollars, None where the book has no price."""

    entry: Entry
    cost: Decimal | None


def statement(ledger: Ledger, book: Book, first: date, last: date) -> list[Charged]:
    """What the days from `first` to `last` cost. Free units of a month count from its first day."""
    entries = ledger.between(first.replace(day=1), last)
    return [charged for charged in _priced(entries, book) if charged.entry.day >= first]


def _priced(entries: Iterable[Entry], book: Book) -> Iterator[Charged]:
    free: dict[tuple[str, int], Decimal] = {}
    for entry in entries:
        price = book.price(entry.meter, entry.region)
        paid = entry.quantity
        for number, grant in enumerate(book.grants):
            if entry.meter in grant.meters:
                left = free.setdefault((f"{entry.day:%Y-%m}", number), grant.units)
                taken = min(left, paid)
                free[f"{entry.day:%Y-%m}", number] = left - taken
                paid -= taken
        yield Charged(entry, None if price is None else paid * price)
