"""From the name of a float format to its fields: ``e4m3b11fnuz``, ``ue5m3``, ``p3109_k8p4se``."""

from __future__ import annotations

import re
from typing import Any

from hwsim.base.errors import InputError

_EXMY = re.compile(r"(u?)e([1-9]\d?)m(\d\d?)(?:b(-?\d+))?(fnuz|fn|finite)?(_flush)?")
_P3109 = re.compile(r"p3109_k([3-8])p([1-8])([su])([ef])")


def exmy_fields(name: str) -> dict[str, Any] | None:
    """The fields that ``[u]e{x}m{y}[b{bias}][fn|fnuz|finite][_flush]`` says; see `FloatFormat.parse`."""
    match = _EXMY.fullmatch(name)
    if match is None:
        return None
    unsigned, exponent_bits, mantissa_bits, bias, suffix, flush = match.groups()
    specials = {None: "fn" if unsigned else "ieee", "finite": "none"}.get(suffix, suffix)
    usual = (1 << (int(exponent_bits) - 1)) - 1 + int(specials == "fnuz")
    return {
        "exponent_bits": int(exponent_bits), "precision": int(mantissa_bits) + 1,
        "bias": usual if bias is None else int(bias), "signed": not unsigned, "subnormals": flush is None,
        "specials": specials,
    }  # fmt: skip


def p3109_fields(name: str) -> dict[str, Any] | None:
    """The fields that ``p3109_k{K}p{P}{s|u}{e|f}`` says. Raises `InputError` where no exponent bit is left.

    IEEE P3109 interim report, section 4.4: the bias is 2**(K−P−1), of unsigned formats 2**(K−P).
    """
    match = _P3109.fullmatch(name)
    if match is None:
        return None
    k, p, signed, extended = int(match[1]), int(match[2]), match[3] == "s", match[4] == "e"
    exponent_bits = k - p + int(not signed)
    if exponent_bits < 1:
        raise InputError(f"float format '{name}': precision {p} leaves no exponent in {k} bits")
    finite = "fnuz" if signed else "fn"
    return {
        "exponent_bits": exponent_bits, "precision": p, "bias": 1 << (exponent_bits - 1), "signed": signed,
        "specials": "p3109" if extended else finite,
    }  # fmt: skip
