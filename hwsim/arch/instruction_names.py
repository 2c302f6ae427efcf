"""Vendors' names of matrix instructions: shapes, types and qualifiers."""

from __future__ import annotations

import re
from typing import Any, Self

from hwsim.base.errors import InputError
from hwsim.base.record import Record

VENDOR_NAMES = {
    "f16": "fp16", "f32": "fp32", "f64": "fp64", "bf16": "bf16", "tf32": "tf32",
    "e4m3": "e4m3fn", "e5m2": "e5m2", "e3m2": "e3m2fn", "e2m3": "e2m3fn", "e2m1": "e2m1fn",
    "s8": "int8", "u8": "uint8", "s4": "int4", "u4": "uint4", "s32": "int32", "i32": "int32", "i8": "int8",
    "fp8": "e4m3fnuz", "bf8": "e5m2fnuz", "xf32": "tf32", "ue8m0": "e8m0fnu", "ue4m3": "ue4m3",
}  # fmt: skip
"""Type names of NVIDIA's PTX ISA and of AMD's matrix instructions, and what they are called here."""
KINDS = {"bf16_1k": "1k", "nvfp4": "mxf4nvf4", "saturate": "satfinite"}
"""Other words for qualifiers."""
IGNORED = frozenset(
    {"v", "mma", "wgmma", "tcgen05", "mfma", "smfmac", "sync", "async", "aligned", "row", "col", "sp", "ws"}
    | {"block", "cta", "group::1", "group::2", "scale"}
)
"""Words of an instruction's full name that do not bear on its arithmetic."""
SCALE_VECTORS = {"vec::1x": 32, "vec::2x": 32, "vec::4x": 16}
"""PTX ``.scale_vec``: scales along the instruction's k, k32 having one and k64 two or four."""


class Shape(Record):
    """(m, n, k) of an instruction; an n of 0 stands for every multiple of 8 up to 256."""

    m: int
    n: int
    k: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """``m16n8k16``, ``m64n*k16`` or ``16x16x16``."""
        found = re.fullmatch(r"m(\d+)n(\d+|\*)k(\d+)|(\d+)x(\d+)x(\d+)", text)
        if found is None:
            return None
        m, n, k = found.groups()[:3] if found[1] else found.groups()[3:]
        return cls(m=int(m), n=0 if n == "*" else int(n), k=int(k))

    def covers(self, other: Shape) -> bool:
        """Whether ``other`` is this shape, or one of those that a free n stands for."""
        n = other.n % 8 == 0 and 8 <= other.n <= 256 if self.n == 0 else other.n == self.n
        return n and (self.m, self.k) == (other.m, other.k)


def qualifiers(text: str) -> dict[str, Any]:
    """An instruction's name taken apart: PTX's ``shape.kind::….block….d.a.b.c.scale`` or AMD's ``d_shape_a_b``.

    >>> qualifiers("mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e5m2.f32")["b"]
    'e5m2'
    """
    if not isinstance(text, str):
        raise InputError(f"expected an instruction's name, got {text!r}")
    found: dict[str, Any] = {}
    types = []
    for word in re.split(r"[._]", text.strip().lower()):
        fused = re.fullmatch(r"(\d+x\d+x\d+)([a-z]\w*)", word)  # AMD before CDNA3: 16x16x16f16
        for part in fused.groups() if fused else (word,):
            key = _qualifier(part)
            if key is not None:
                found |= key
            elif part in VENDOR_NAMES:
                types.append(VENDOR_NAMES[part])
            elif part not in IGNORED:
                raise InputError(f"'{part}' in '{text}' is no shape, type or qualifier of a matrix instruction")
    if len(types) < 2:
        raise InputError(f"expected a shape, the type of d and the types of a and b in '{text}'")
    found |= dict(zip(("d", "a", "b", "c"), types, strict=False))
    return {**found, "b": found.get("b", found["a"])}


def _qualifier(part: str) -> dict[str, Any] | None:
    """What a word other than a type says, None if it is none of these."""
    if Shape.parse(part) is not None:
        return {"shape": part}
    if part.startswith("kind::"):
        return {"kind": part.removeprefix("kind::")}
    if re.fullmatch(r"block\d+", part):
        return {"scale_block": int(part.removeprefix("block"))}
    if part in ("1k", "satfinite"):
        return {"kind": part}
    if part in SCALE_VECTORS:
        return {"scale_block": SCALE_VECTORS[part]}
    return {"scale": VENDOR_NAMES[part]} if part in ("ue8m0", "ue4m3") else None
