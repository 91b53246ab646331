"""Numbers as a physicist writes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def measured(value: Mapping[str, Any]) -> str:
    """Write a value with its 68.3 % interval, rounded to two digits of the smaller uncertainty.

    Args:
        value: ``value``, and ``low`` and ``high`` where known.

    Returns:
        Such as ``0.8123 ± 0.0028``, ``0.31 +0.12 −0.08``, or the number alone where it has no interval.
    """
    number = value.get("value")
    if number is None or not math.isfinite(number):
        return "–"
    low, high = value.get("low"), value.get("high")
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)) or low == high:
        return plain(number)
    down, up = max(number - low, 0.0), max(high - number, 0.0)
    digits = _decimals(min(part for part in (down, up) if part > 0.0))
    centre = _fixed(number, digits)
    if f"{down:.{digits}f}" == f"{up:.{digits}f}" or abs(up - down) < 0.1 * (up + down):
        return f"{centre} ± {0.5 * (down + up):.{digits}f}"
    return f"{centre} +{up:.{digits}f} −{down:.{digits}f}"


def plain(number: float) -> str:
    """Write a number without interval in at most four significant digits."""
    if isinstance(number, int) or (float(number).is_integer() and abs(number) < 1e15):
        return f"{int(number):,}".replace("-", "−")
    return f"{number:.4g}".replace("-", "−")


def p_value(number: float) -> str:
    """Write a probability with its sign of relation; the far tail of a normal distribution is not given in figures."""
    if number < 1e-9:
        return "< 10⁻⁹"
    if number >= 1e-3:
        return f"= {number:.2g}" if number < 0.1 else f"= {number:.2f}"
    exponent = math.floor(math.log10(number))
    power = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"= {number / 10.0**exponent:.1f} × 10{power}"


def duration(seconds: float) -> str:
    """Write a time span in the unit that fits."""
    if seconds < 120.0:
        return f"{seconds:.3g} s"
    if seconds < 7200.0:
        return f"{seconds / 60.0:.3g} min"
    return f"{seconds / 3600.0:.3g} h"


def rescaled(value: Mapping[str, Any] | None, factor: float) -> dict[str, Any] | None:
    """Return a metric's value and interval in another unit; None for None."""
    if value is None:
        return None
    ends = {key: factor * value[key] for key in ("value", "low", "high") if value.get(key) is not None}
    return {**value, **ends}


def _decimals(width: float) -> int:
    return min(max(1 - math.floor(math.log10(width)), 0), 12)


def _fixed(number: float, digits: int) -> str:
    text = f"{number:.{digits}f}"
    if float(text) == 0.0:
        text = text.removeprefix("-")
    return text.replace("-", "−")
