"""Money as people read it: "$1,285.04", "$181.17 to $184.95", "at least $26.11", "unknown"."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from chatops.cost.report import Amount

CENT = Decimal("0.01")


def cents(value: Decimal) -> str:
    """Return dollars with a sign and cents: "$12.30", "-$0.54", "$1,285.04"."""
    rounded = value.quantize(CENT, ROUND_HALF_UP)
    return f"-${-rounded:,.2f}" if rounded < 0 else f"${abs(rounded):,.2f}"


def short(amount: Amount) -> str:
    """Return an amount for a narrow column; "+" says that more is coming that has no price."""
    if amount.unknown:
        return "unknown"
    return _range(amount, "…") + ("+" if amount.partial else "")


def words(amount: Amount) -> str:
    """Return an amount as a phrase: "at least $26.11", "$181.17 to $184.95"."""
    return ("at least " if amount.partial else "") + _range(amount, " to ")


def signed(value: Decimal) -> str:
    """Return a change: "+$12.30", "-$4.00", "+$0.00"."""
    text = cents(value)
    return text if text.startswith("-") else f"+{text}"


def _range(amount: Amount, between: str) -> str:
    low, high = cents(amount.bounds.low), cents(amount.bounds.high)
    return low if low == high else f"{low}{between}{high}"


def plain(value: Decimal) -> str:
    """Return a price or a quantity without an exponent: "0.000024", "864,000"."""
    normal = value.normalize()
    if normal == normal.to_integral_value():
        return f"{int(normal):,}"
    return f"{normal:,f}" if abs(normal) < 1 else f"{normal.quantize(CENT, ROUND_HALF_UP):,}"
