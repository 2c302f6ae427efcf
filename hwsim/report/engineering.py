"""Numbers as engineers write them: three significant digits and an SI prefix."""

from __future__ import annotations

import math

_PREFIXES = {
    -18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E",
}  # fmt: skip
NOTHING = "–"
"""What a table shows where there is no value."""


def significant(value: float, digits: int = 3) -> str:
    """``value`` with so many significant digits and no exponent: 1234.5 is '1234' and 0.01234 is '0.0123'."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits - 1}e}")
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:.{decimals}f}"


def engineering(value: float | None, unit: str = "", digits: int = 3) -> str:
    """``value`` (in ``unit`` without prefix) as '1.23 µJ'; None is a dash.

    >>> engineering(1.2345e-6, "J"), engineering(999.96, "W"), engineering(0, "s"), engineering(None, "s")
    ('1.23 µJ', '1.00 kW', '0 s', '–')
    """
    if value is None or math.isnan(value):
        return NOTHING
    if value == 0 or math.isinf(value):
        return f"{value:g} {unit}".strip()
    rounded = float(f"{value:.{digits - 1}e}")  # first round, then choose the prefix: 999.96 is 1.00 k
    power = 3 * math.floor(math.log10(abs(rounded)) / 3)
    power = min(max(power, min(_PREFIXES)), max(_PREFIXES))
    scaled = rounded / 10.0**power if power >= 0 else rounded * 10.0**-power
    return f"{significant(scaled, digits)} {_PREFIXES[power]}{unit}".rstrip()


def count(value: float | None, digits: int = 3) -> str:
    """A count: exact with separators below 10 000, with a prefix above.

    >>> count(9216), count(1_843_200), count(None)
    ('9,216', '1.84 M', '–')
    """
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if abs(value) < 10_000 else engineering(value, "", digits)


def area(value_m2: float | None, digits: int = 3) -> str:
    """An area in mm², or in µm² below 0.001 mm².

    >>> area(5e-6), area(2.5e-10), area(None)
    ('5.00 mm²', '250 µm²', '–')
    """
    if value_m2 is None:
        return NOTHING
    if value_m2 == 0:
        return "0 mm²"
    if value_m2 < 1e-9:
        return f"{significant(value_m2 * 1e12, digits)} µm²"
    return f"{significant(value_m2 * 1e6, digits)} mm²"


def percent(value: float | None, decimals: int = 1) -> str:
    """A fraction of one as a percentage.

    >>> percent(0.98056), percent(None)
    ('98.1 %', '–')
    """
    return NOTHING if value is None else f"{100 * value:.{decimals}f} %"


def decibel(value: float | None) -> str:
    """A signal-to-noise ratio; an infinite one means that nothing differs.

    >>> decibel(38.14), decibel(float("inf")), decibel(None)
    ('38.1 dB', 'exact', '–')
    """
    if value is None or math.isnan(value):
        return NOTHING
    return ("exact" if value > 0 else "−∞ dB") if math.isinf(value) else f"{value:.1f} dB"


def ratio(value: float | None, reference: float | None) -> str:
    """``value / reference`` as '×0.85'; empty where either is missing or the reference is zero.

    >>> ratio(3.0, 4.0), ratio(None, 4.0)
    ('×0.750', '')
    """
    if value is None or not reference or not math.isfinite(value) or not math.isfinite(reference):
        return ""
    return f"×{significant(value / reference)}"
