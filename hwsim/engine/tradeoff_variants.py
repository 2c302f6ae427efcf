"""The datapaths of the headline picture: INT8 to FP4, each over the width that bounds its error, and real chips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hwsim.arch.matrix_units import mma
from hwsim.datapath import Datapath
from hwsim.engine.tradeoff import Rule, Variant

LANES = 32
"""Products of one sum, in every family but those whose blocks of scales are shorter: Hopper's FP8 unit has 32."""
NARROW = 16
"""Values of one scale of NVFP4 and NVINT4."""
ALIGNMENTS = (3, 5, 7, 9, 11, 13, 16, 20, 25)
"""F of fused sums."""
SCALED_ALIGNMENTS = (1, 2, 3, 4, 6, 8, 13, 20, 35)
"""F below the scales of groups, whose sums reach beyond them."""
INT8_BITS = (12, 14, 16, 17, 18, 19, 20, 22, 24, 28, 32)
INT4_BITS = (8, 9, 10, 11, 12, 13, 14, 16, 20, 24, 32)
MXINT8_BITS = (12, 13, 14, 15, 16, 17, 18, 20, 21)
"""Of a chunk; 21 bits hold 32 products of 8-bit integers."""
NVINT4_BITS = (5, 6, 7, 8, 9, 10, 11)
"""Of a chunk; 11 bits hold 16 products of integers from −7 to 7."""


def default_variants() -> list[Variant]:
    """Every family, swept, then the units of chips as they are."""
    return [
        *_integers("INT8", "int8", INT8_BITS),
        *_integers("INT4", "int4", INT4_BITS),
        *_chunks("MXINT8", "mxint8", "q2.6", "e8m0fnu", LANES, MXINT8_BITS),
        *_chunks("NVINT4", "nvint4", "int4_symmetric", "ue4m3", NARROW, NVINT4_BITS),
        *_fused("FP16", "fp16", "none"),
        *_fused("BF16", "bf16", "none"),
        *_narrow_floats(),
        *_fused("FP8 E4M3", "e4m3fn", "row"),
        *_fused("FP8 E5M2", "e5m2", "row"),
        *_fused("MXFP8 E4M3", "e4m3fn", "block", "mxfp8_e4m3"),
        *_fused("MXFP6 E2M3", "e2m3fn", "block", "mxfp6_e2m3"),
        *_fused("MXFP4", "e2m1fn", "block", "mxfp4"),
        *_scaled_groups("NVFP4", "nvfp4"),
        *chips(),
    ]


def families(variants: Sequence[Any]) -> list[str]:
    """Their names in order; of variants or of rows."""
    return list(dict.fromkeys(each.family for each in variants))


def _integers(family: str, name: str, widths: Sequence[int]) -> Iterator[Variant]:
    """An exact tree of `LANES` products into one saturating register."""
    for bits in widths:
        datapath = {
            "operands": {"a": name, "b": name},
            "reduction": {"kind": "tree", "lanes": LANES},
            "accumulator": {"bits": bits, "overflow": "saturate"},
        }
        yield _variant(family, "bits", bits, datapath, "row")


def _chunks(family: str, block: str, element: str, scale: str, size: int, widths: Sequence[int]) -> Iterator[Variant]:
    """The products of one pair of scales in an integer, whose sum times the scales is added to a float32."""
    inner = {"overflow": "saturate"}
    for bits in widths:
        datapath = {
            "operands": {"a": element, "b": element, "scale": scale, "scale_block": size},
            "reduction": {"kind": "tree", "lanes": size},
            "accumulator": {"every": size, "inner": {"bits": bits, **inner}, "into": "fp32"},
        }
        yield _variant(family, "bits", bits, datapath, "block", block)


def _fused(family: str, element: str, rule: Rule, block: str | None = None) -> Iterator[Variant]:
    """Fused sums of `LANES` products and the sum so far, as Hopper's FP8 unit has them with F = 13."""
    scaled: dict[str, Any] = {"scale": "e8m0fnu", "scale_block": LANES} if block is not None else {}
    for bits in ALIGNMENTS:
        datapath = {
            "operands": {"a": element, "b": element, **scaled},
            "reduction": {"kind": "fused", "lanes": LANES, "align_bits": bits},
            "accumulator": {"format": f"e8m{min(bits, 23)}", "rounding": "rz"},
            "output": {"format": "fp32"},
        }
        yield _variant(family, "F", bits, datapath, rule, block)


def _scaled_groups(family: str, block: str) -> Iterator[Variant]:
    """Four exact sums of 16 products, each times its scales, aligned and added: Blackwell's FP4 unit with F = 35."""
    groups = {"count": 4, "scaled": True}
    for bits in SCALED_ALIGNMENTS:
        datapath = {
            "operands": {"a": "e2m1fn", "b": "e2m1fn", "scale": "ue4m3", "scale_block": NARROW},
            "reduction": {"kind": "fused", "lanes": 4 * NARROW, "align_bits": bits, "groups": groups},
            "accumulator": {"format": "fp32", "rounding": "rz"},
        }
        yield _variant(family, "F", bits, datapath, "block", block)


def _narrow_floats() -> Iterator[Variant]:
    """FP16 products one by one into a float register: a systolic array's column, or a memory's adder."""
    for name, bits in (("bf16", 16), ("fp16", 16), ("fp32", 32)):
        datapath = Datapath.model_validate({"operands": {"a": "fp16", "b": "fp16"}, "accumulator": name})
        yield Variant(
            label=f"FP16, one by one {name}", family="FP16, one by one", knob="format", value=bits, datapath=datapath,
            rule="none",
        )  # fmt: skip


def chips() -> list[Variant]:
    """Matrix units as they are (`hwsim.arch.matrix_units`; MMA-Sim, arXiv:2511.10909)."""
    mx: dict[str, Any] = {"d": "fp32", "scale": "ue8m0", "scale_block": 32, "shape": "m128n256k32"}
    nv: dict[str, Any] = {"d": "fp32", "scale": "ue4m3", "scale_block": 16}
    return [
        _chip("Ampere", "FP16", "none", None, mma("ampere.mma", a="fp16", d="fp32", shape="m16n8k16")),
        _chip("Hopper", "FP16", "none", None, mma("hopper.wgmma", a="fp16", d="fp32")),
        _chip("Hopper", "FP8 E4M3", "row", None, mma("hopper.wgmma", a="e4m3fn", d="fp32")),
        _chip("Blackwell", "FP8 E4M3", "row", None, mma("blackwell.tcgen05", a="e4m3fn", d="fp32")),
        _chip("Blackwell", "MXFP8 E4M3", "block", "mxfp8_e4m3", mma("blackwell.tcgen05", a="e4m3fn", **mx)),
        _chip("Blackwell", "MXFP6 E2M3", "block", "mxfp6_e2m3", mma("blackwell.tcgen05", a="e2m3fn", **mx)),
        _chip("Blackwell", "NVFP4", "block", "nvfp4", mma("blackwell.tcgen05", a="e2m1fn", **nv)),
    ]


def _chip(chip: str, family: str, rule: Rule, block: str | None, unit: Any) -> Variant:
    bits = unit.datapath.reduction.align_bits
    return Variant(
        label=f"{family} {chip}", family=family, knob="F", value=bits, datapath=unit.datapath, rule=rule,
        block=block, hardware=chip,
    )  # fmt: skip


def _variant(family: str, knob: str, value: int, datapath: Any, rule: Rule, block: str | None = None) -> Variant:
    label = f"{family} F={value}" if knob == "F" else f"{family} {value} bits"
    return Variant(
        label=label, family=family, knob=knob, value=value, datapath=Datapath.model_validate(datapath), rule=rule,
        block=block,
    )  # fmt: skip
