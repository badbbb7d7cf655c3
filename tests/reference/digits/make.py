"""Writes cases.json: numbers of a posterior, and how the page and the command line show them.

The rule is that of `of_posterior` in src/plots/number_text.rs, computed here in decimal arithmetic from the exact values.
"""

import json
from decimal import ROUND_HALF_UP, Decimal
from math import log
from pathlib import Path

# value, ends of the 68 % interval, whether the prior is one of the logarithm
CASES = [
    (893.85, 670.58, 1185.0, False),
    (550.7, 670.58, 1185.0, False),
    (1185.0, 670.58, 1185.0, False),
    (-5.8164, -7.0322, -4.7614, False),
    (0.81097, -2.5679, -0.22, False),
    (1.1624, 1.1261, 1.1867, False),
    (-0.004, -1.0, 1.0, False),
    (0.0, -1.0, 1.0, False),
    (123456.0, 122000.0, 125000.0, False),
    (999.96, 999.9, 1000.05, False),
    (1234567.891, 1234567.0, 1234568.0, False),
    (-2.5e8, -2.6e8, -2.4e8, False),
    (1.234e-7, 1.1e-7, 1.4e-7, False),
    (-1.6e-12, -2e-12, -1e-12, False),
    (0.00123456, 0.0012, 0.0013, False),
    (5.0, 5.0, 5.0, False),
    (1.2345678, 1.2345678, 1.2345678, False),
    (0.0, 0.0, 0.0, False),
    (1e-3, 1e-6, 0.1, False),
    (1e-3, 1e-6, 0.1, True),
    (3.2e-7, 1e-6, 0.1, True),
    (0.234, 1e-6, 0.1, True),
    (12345.6, 1e2, 1e6, True),
    (3.4567e7, 1e2, 1e8, True),
    (2.0123, 1.98, 2.04, True),
    (-1.0, -2.0, 3.0, True),
    (1.0, 0.0, 3.0, True),
]


def text(value, low, high, logarithmic):
    width = (high - low) / 2
    if logarithmic and low > 0:
        width = abs(value) * min(1.0, log(high / low) / 2)
    if not width > 0:
        width = 1e-3 * abs(value)
    decimals = 1 - exponent(width)
    decimals = min(decimals, 14 - exponent(value))
    place = Decimal(1).scaleb(-decimals)
    rounded = Decimal(abs(value)).quantize(place, rounding=ROUND_HALF_UP)
    digits = str(int(rounded.scaleb(decimals)))
    sign = "-" if value < 0 and digits != "0" else ""
    size = abs(value)
    if digits != "0" and (size >= 1e6 or (decimals > 5 and size < 1e-3) or decimals > 9):
        rest = "." + digits[1:] if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{rest}e{len(digits) - 1 - decimals}"
    if decimals > 9:
        return "0"
    return sign + format(rounded, "f")


def exponent(number):
    return Decimal(repr(number)).adjusted() if number else 0


if __name__ == "__main__":
    rows = [[*case, text(*case)] for case in CASES]
    lines = ",\n  ".join(json.dumps(row) for row in rows)
    Path(__file__).with_name("cases.json").write_text(f"[\n  {lines}\n]\n")
