"""Architectures: the shipped ones, what does not fit together, and changes by path."""

import pickle

import pytest

from hwsim import formats
from hwsim.arch import Architecture
from hwsim.base.document import parse_document
from hwsim.base.errors import InputError
from hwsim.base.shipped import shipped
from hwsim.units.registry import MatmulUnit, units

EXPECTED = {
    "edge_int4", "reference_fp32", "systolic_bf16_os_16x16", "systolic_fp8_ws_32x32", "systolic_int8_ws_32x32",
    "tensorcore_fp16", "tensorcore_fp8",
}  # fmt: skip
SMALL = """\
name: small
technology: {node: 7nm, clock: 1 GHz}
memories:
  dram:   {kind: dram, standard: HBM2}
  buffer: {kind: sram, capacity: 64 KiB, width: 32 B}
  sums:   {kind: sram, capacity: 8 KiB, width: 16 B, holds: [output], format: int32}
compute:
  kind: systolic
  rows: 4
  cols: 4
  dataflow: weight_stationary
  pe: {operands: {a: int8, b: int8}, accumulator: int24}
quantization:
  weights: {format: int8}
  activations: {format: int8}
"""
DRAM = "  dram:   {kind: dram, standard: HBM2}\n"


def written(*replacements):
    text = SMALL
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return text


def small(*replacements):
    return Architecture.from_document(parse_document(written(*replacements), "small.yaml"))


@pytest.mark.parametrize("name", sorted(shipped("archs")))
def test_shipped(name):
    architecture = Architecture.load(name)
    assert architecture.name == name.replace("_", "-")
    assert architecture.description
    assert architecture.text().startswith("# yaml-language-server: $schema=arch.schema.json\n")
    assert architecture == Architecture.load(shipped("archs")[name])
    assert pickle.loads(pickle.dumps(architecture)) == architecture
    # What its records say, written out, means the same hardware.
    assert Architecture.model_validate(architecture._resolved()) == architecture


def test_every_promised_architecture_is_shipped():
    assert shipped("archs").keys() >= EXPECTED


def test_data_sheet_rates():
    """H100 SXM data sheet: 1979 and 989.4 dense TFLOP/s, to the rounding of the boost clock (1.83 GHz)."""
    for name, tera in (("tensorcore_fp8", 1979), ("tensorcore_fp16", 989.4)):
        chip = Architecture.load(name)
        assert 2 * chip.compute.peak_macs_per_cycle * chip.clock_hz == pytest.approx(tera * 1e12, rel=1e-3)


def test_partial_sums_are_added_in_the_memory_that_states_a_format():
    assert small().compute.result_format == formats.get("int32")
    assert small((", format: int32", "")).compute.result_format == formats.get("int24")
    wide = small(("format: int32", "format: int32, overflow: saturate"))
    assert wide.compute.datapath.accumulator.into.overflow == "saturate"
    assert wide.compute.datapath.accumulator.every == 4


MATMUL_UNITS = ", ".join(name for name, unit in units.items().items() if issubclass(unit, MatmulUnit))
DOES_NOT_FIT = [  # "§" marks what the message has to point at
    ([("{format: int8}\n  act", "{format: §e4m3fn}\n  act")],
     "quantization.weights.format: the compute unit takes int8 weights, got e4m3fn"),
    ([("  weights: {format: int8}\n", ""), ("  activations", "  §activations")],
     "quantization: missing key 'weights': int8 operands need a scale, "
     "such as {format: int8, granularity: tensor, scale: absmax}"),
    ([("32 B}", "32 B, per: §core}")], "memories.buffer.per: a systolic has no cores; write 'chip'"),
    ([("width: 32 B}", "width: 32 B, format: §int32}")],
     "memories.buffer.format: sums are added in the innermost memory, 'sums'"),
    ([("holds: [output], format: ", "holds: [input], format: §")],
     "memories.sums.format: sums are added in a memory that holds [output]"),
    ([(DRAM, ""), ("compute:", f"{DRAM}compute:".replace("{", "§{"))],
     "memories.dram: a memory off the chip stands before those on it: from outside in"),
    ([("format: int32", "format: §fp3")], "memories.sums.format: unknown format 'fp3'; did you mean 'fp32'?"),
    ([("{kind: sram, capacity: 64 KiB, ", "§{kind: sram, ")], "memories.buffer: missing key 'capacity'"),
    ([("kind: systolic", "kind: §vector")], f"compute.kind: unknown kind 'vector'; known: {MATMUL_UNITS}"),
    ([("7nm", "§8nm")], "technology.node: unknown technology '8nm'; did you mean '7nm'?"),
    ([("accumulator: int24", "accumulator: {kind: integer, bits: §wide}")],
     "compute.pe.accumulator.bits: expected an integer between 2 and 64, got 'wide'"),
    ([("quantization:", "quantization:\n  requantization: §fixed_point"), ("int32", "fp32")],
     "quantization.requantization: fixed_point needs an integer accumulator, not fp32; write 'float'"),
    ([("quantization:", "vector: {lanes: 4, format: §int16}\nquantization:")],
     "vector.format: scales and functions need a floating-point format, got int16"),
]  # fmt: skip


@pytest.mark.parametrize(("replacements", "message"), DOES_NOT_FIT, ids=range(len(DOES_NOT_FIT)))
def test_what_does_not_fit_is_told_with_its_place(replacements, message):
    text = written(*replacements)
    before = text[: text.index("§")]
    place = f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
    with pytest.raises(InputError) as error:
        Architecture.from_document(parse_document(text.replace("§", ""), "small.yaml"))
    assert str(error.value) == f"small.yaml:{place}: {message}"


def test_e4m3_where_the_unit_takes_e4m3fn():
    text = (
        shipped("archs")["tensorcore_fp8"].read_text().replace("weights:     {format: e4m3fn", "weights: {format: e4m3")
    )
    with pytest.raises(InputError, match=r"the compute unit takes e4m3fn weights, got e4m3; did you mean 'e4m3fn'\?"):
        Architecture.from_document(parse_document(text, "f.yaml"))


def test_narrower_integers_fit_wider_operands():
    assert small(("weights: {format: int8}", "weights: {format: int4}")).quantization.weights.format.bits == 4


def test_override_is_an_edit_of_the_file():
    changed = small().override({"compute.pe.accumulator.bits": 12, "compute.rows": "8", "technology.clock": "2 GHz"})
    edited = small(("int24", "int12"), ("rows: 4", "rows: 8"), ("1 GHz", "2 GHz"))
    assert changed == edited
    assert changed != small()
    assert small() == small()


def test_override_reaches_what_the_file_leaves_to_defaults():
    changed = small().override(
        {"vector.lanes": 64, "compute.pe.reduction.kind": "exact", "quantization.weights.axis": 0}
    )
    assert changed.vector.lanes == 64
    assert changed.vector.format == small().vector.format
    assert changed.compute.pe.reduction.kind == "exact"
    back = {"compute.pe.reduction": "sequential", "vector.lanes": 32, "quantization.weights.axis": -1}
    assert changed.override(back) == small()


def test_override_leaves_the_original_alone():
    original = small()
    before = original.text(), original.model_dump()
    original.override({"memories.buffer.capacity": "1 MiB"})
    assert (original.text(), original.model_dump()) == before


def test_an_overridden_architecture_can_be_stored_and_read_again():
    changed = small().override({"memories.sums.format": "int28", "compute.cols": 8})
    assert Architecture.from_document(parse_document(changed.text(), "again.yaml")) == changed


def test_architectures_made_in_python_can_be_overridden():
    made = Architecture(**small()._resolved())
    assert made.document is None
    changed = made.override({"memories.sums.format": "int28"})
    assert changed.compute.result_format == formats.get("int28")


NOWHERE = {
    "compute.pe.accumulator.bitz": "compute.pe.accumulator: unknown key 'bitz'; did you mean 'bits'?",
    "compute.p.accumulator": "compute.p: nothing to change inside 'p'; did you mean 'pe'?",
    "memories.bufer.banks": "memories.bufer: nothing to change inside 'bufer'; did you mean 'buffer'?",
    "compute.rowz": "compute: unknown key 'rowz'; did you mean 'rows'?",
    "computes": "unknown key 'computes'; did you mean 'compute'?",
    "memories.sums.holds.3": "memories.sums.holds.3: expected a number below 1, got '3'",
    "compute.pe.accumulator.bits": "compute.pe.accumulator.bits: expected an integer between 2 and 64, got 99",
}


@pytest.mark.parametrize("path", NOWHERE)
def test_override_that_leads_nowhere(path):
    with pytest.raises(InputError) as error:
        small(("accumulator: int24", "accumulator: {bits: 24}")).override({path: 99})
    assert str(error.value) == f"small.yaml: {NOWHERE[path]}"


def test_the_order_of_memories_is_part_of_what_an_architecture_is():
    swapped = small(("  buffer: {kind: sram, capacity: 64 KiB, width: 32 B}\n", ""), (
        "  dram: ", "  buffer: {kind: dram, standard: HBM2}\n  dram: "))  # fmt: skip
    other = small(("  buffer: {kind: sram, capacity: 64 KiB, width: 32 B}\n", ""), (
        "HBM2}\n", "HBM2}\n  buffer: {kind: dram, standard: HBM2}\n"))  # fmt: skip
    assert dict(swapped.memories) == dict(other.memories)
    assert swapped != other


def test_architectures_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        small().name = "other"
