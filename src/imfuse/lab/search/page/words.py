"""Numbers, times and counts as the page writes them."""

from __future__ import annotations

import math

RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, digits: int = 4) -> str:
    """A number with so many significant digits.

    Example:
        >>> number(12.34567), number(0.5), number(float("inf")), number(None), number(1234567.0)
        ('12.35', '0.5000', '∞', '–', '1234567')
    """
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    return f"{value:.{digits - 1}e}" if exponent < -4 else f"{value:.{max(digits - 1 - exponent, 0)}f}"


def tick(value: float) -> str:
    """A number at an axis, as short as it can be.

    Example:
        >>> tick(0.2), tick(1500.0), tick(1e-7)
        ('0.2', '1500', '1e-07')
    """
    return f"{value:.6g}"


def duration(seconds: float) -> str:
    """Seconds in the units that a reader counts in.

    Example:
        >>> duration(7.31), duration(412), duration(7512)
        ('7.3 s', '6 min 52 s', '2 h 5 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def count(value: int) -> str:
    """A number of things, by its power of ten where it is very large.

    Example:
        >>> count(1200), count(123456789), count(1)
        ('1 200', '1.2 · 10⁸', '1')
    """
    if value < 1_000_000:
        return f"{value:,}".replace(",", " ")
    exponent = len(str(value)) - 1
    return f"{value / 10**exponent:.1f} · 10{str(exponent).translate(RAISED)}"


def things(value: int, name: str, plural: str = "") -> str:
    """A number of things with their name in singular or plural.

    Example:
        >>> things(1, "step"), things(1200, "network"), things(2, "search", "searches")
        ('1 step', '1 200 networks', '2 searches')
    """
    return f"{count(value)} {name if value == 1 else plural or name + 's'}"
