"""`analyse_accumulators`: facts that must hold on real networks, and the parts by hand."""

import math
from fractions import Fraction

import numpy as np
import pytest

from hwsim import technology
from hwsim.arch import Architecture
from hwsim.base.errors import HwsimError, InputError
from hwsim.datapath import Datapath
from hwsim.datapath.accumulator_bounds import needed_bits
from hwsim.datapath.partial_sums import extremes
from hwsim.engine import simulate
from hwsim.engine.accumulator_numbers import Part, column_bounds, error_curve, kulisch_of_data, kulisch_of_formats
from hwsim.engine.accumulator_registers import option, registers
from hwsim.engine.accumulator_sample import Picker
from hwsim.engine.accumulators import analyse_accumulators
from hwsim.engine.sum_order import sum_order
from hwsim.workload import Workload


@pytest.fixture(scope="module")
def int8():
    return analyse_accumulators(
        Architecture.load("systolic_int8_ws_32x32"), Workload.load("digits_cnn"), rows=40
    )  # fmt: skip


def test_each_bound_is_within_the_next(int8):
    for layer in int8.layers:
        for register in layer.registers:
            bounds = register.bounds
            assert register.final_bits <= register.partial_bits <= bounds.any_input <= bounds.l1 <= bounds.data_type


def test_at_the_needed_bits_saturating_and_wrapping_are_exact(int8):
    for layer in int8.layers:
        for register in layer.registers:
            for error in register.curve:
                enough = {"saturate": register.partial_bits, "wrap": register.final_bits}.get(error.kind)
                if enough is not None and error.bits >= enough:
                    assert (error.changed, error.rel_l2, error.sqnr_db) == (0, 0.0, None)
                if error.kind == "saturate" and error.bits < register.partial_bits:
                    assert error.events > 0
                if error.kind == "wrap" and error.bits < register.final_bits:
                    assert error.changed > 0


def test_eight_bits_overflow_and_the_data_type_bound_never_does(int8):
    for layer in int8.layers:
        for register in layer.registers:
            for kind in ("wrap", "saturate"):
                first, *_, last = [error.events for error in register.curve if error.kind == kind]
                assert first > 0 and last == 0


def test_widths_run_from_8_to_the_data_type_bound(int8):
    for layer in int8.layers:
        for register in layer.registers:
            for kind in ("wrap", "saturate"):
                widths = [error.bits for error in register.curve if error.kind == kind]
                assert widths == list(range(8, register.bounds.data_type + 1))


def test_present_widths_and_savings(int8):
    present, *others = [each for each in int8.options if each.register == "inner"]
    assert present.accumulator == "int24 saturate" and present.label == "present"
    lane = Architecture.load("systolic_int8_ws_32x32").compute.pe.cost("7nm")
    own = ("accumulator register", "accumulator adder", "saturation")
    assert present.area_m2 == pytest.approx(sum(lane.area_m2[part] for part in own), rel=1e-12)
    assert present.energy_j == pytest.approx(sum(lane.energy_per_mac_j[part] for part in own), rel=1e-12)
    for each in others:  # narrower here, and so smaller
        assert each.bits < present.bits
        assert each.area_m2 < present.area_m2 and each.lane_energy_j < present.lane_energy_j


def test_an_arrays_fold_adders_are_shared_by_its_rows(int8):
    present = next(each for each in int8.options if each.register == "outer")
    array = Architecture.load("systolic_int8_ws_32x32").compute
    adders = array.cost(technology.get("7nm")).area_m2["fold adders"]
    assert present.area_m2 == pytest.approx(adders / (array.rows * array.cols), rel=1e-12)


def test_a_sample_says_so_and_is_the_seeds(int8):
    architecture, work = Architecture.load("systolic_int8_ws_32x32"), Workload.load("digits_cnn")
    again = analyse_accumulators(architecture, work, rows=40)
    assert again.to_json() == int8.to_json()
    other = analyse_accumulators(architecture, work, seed=1, rows=40)
    assert other.layers[0].registers[0].partial != int8.layers[0].registers[0].partial
    conv1, *_ = int8.layers
    assert (conv1.followed.kept, conv1.followed.total, conv1.followed.unit) == (40, 360 * 64, "rows")
    assert conv1.tried == conv1.followed
    assert conv1.present.sums == 40 * conv1.n


def test_layers_see_the_operands_of_the_simulation(tmp_path):
    """What overflows there is what overflows here, where nothing is sampled."""
    file = tmp_path / "w.yaml"
    file.write_text("name: w\noperators:\n- {name: product, op: gemm, m: 30, n: 20, k: 100}\n")
    work = Workload.load(file)
    narrow = Architecture.load("systolic_int8_ws_32x32").override({"compute.pe.accumulator.bits": 15})
    (row,) = simulate(narrow, work).operators
    (layer,) = analyse_accumulators(narrow, work).layers
    assert layer.tried.kept == layer.tried.total == 30
    assert layer.present.events == row["overflows"] + row["saturations"] > 0


def test_attention_has_no_weights_and_samples_whole_products():
    found = analyse_accumulators(Architecture.load("edge_int4"), Workload.load("digits_vit"), rows=64)
    scores = next(layer for layer in found.layers if layer.name == "layer0.attention.scores")
    assert not scores.weights and scores.count == 1440
    assert (scores.followed.kept, scores.followed.total, scores.followed.unit) == (4, 1440, "products")
    assert scores.registers[0].guaranteed_bits == scores.registers[0].bounds.data_type


@pytest.mark.parametrize("name", ["tensorcore_fp8", "systolic_bf16_os_16x16", "hbm_pim_fp16", "reference_fp32"])
def test_floats(name):
    found = analyse_accumulators(Architecture.load(name), Workload.load("digits_cnn"), rows=8)
    for layer in found.layers:
        data, formats = layer.kulisch_data, layer.kulisch_formats
        assert data.bits <= formats.bits and data.low >= formats.low
        for register in layer.registers:
            assert register.bounds is None and register.partial_bits is None
            assert {error.kind for error in register.curve} == {"e8", "e5"}
    assert found.options[0].label == "present"


# Parts by hand ----------------------------------------------------------------------------------------


def test_enough_is_ten_decibels_below_the_operands(int8):
    for layer in int8.layers:
        for register in layer.registers:
            chosen = next(error for error in register.curve if error.accumulator == register.enough)
            assert chosen.sqnr_db is None or chosen.sqnr_db >= layer.operand_sqnr_db + 10
            for error in register.curve:
                if error.kind == "e8" and error.bits < chosen.bits:
                    assert error.sqnr_db < layer.operand_sqnr_db + 10


@pytest.mark.parametrize("k", [1, 16, 100, 300, 1000])
def test_the_order_of_a_pim_has_its_bits(k):
    unit = Architecture.load("hbm_pim_fp16").compute
    random = np.random.default_rng(k)
    a, b = unit.format.encode(random.normal(size=(2, 3, k))), unit.format.encode(random.normal(size=(2, k, 4)))
    order = sum_order(unit, k)
    assert (order.datapath.matmul_codes(*order.arranged(a, b)).codes == unit.matmul_codes(a, b).codes).all()


def test_a_unit_without_a_datapath_is_refused():
    unit = Architecture.load("hbm_pim_fp16").compute
    with pytest.raises(InputError, match="lane_reduction: tree"):
        sum_order(unit.model_copy(update={"lane_reduction": "tree"}), 16)


def test_nothing_to_accumulate_is_an_error(tmp_path):
    file = tmp_path / "w.yaml"
    file.write_text("name: w\ninputs: {data: x, shape: [2, 3], values: {distribution: normal}}\noperators:\n"
                    "- {name: r, op: relu, input: x}\n")  # fmt: skip
    with pytest.raises(HwsimError, match="no matrix products"):
        analyse_accumulators(Architecture.load("edge_int4"), Workload.load(file))


def test_chunks_of_weights_are_columns_of_their_own():
    datapath = Datapath(
        operands={"a": "int8", "b": "int8"}, accumulator={"every": 2, "into": "int32", "inner": "int16"}
    )
    inner, outer = registers(datapath)
    weights = np.array([[1, 2], [-1, 3], [100, -4]])  # chunks of columns: (1, −1), (100), (2, 3), (−4)
    first, second = column_bounds(inner, weights), column_bounds(outer, weights)
    assert (first.largest_l1, first.columns, second.largest_l1, second.columns) == (100, 4, 102, 2)
    assert first.a2q_budget == (2**15 - 1) / 2**7 and first.over_budget == 0
    assert first.any_input == needed_bits(-12800, 12700) and not first.zero_centred
    assert column_bounds(outer, np.array([[1, -2], [-1, 2]])).zero_centred


@pytest.mark.parametrize("fmt", ["e4m3fn", "e5m2", "fp16", "bf16"])
def test_the_exact_word_holds_every_partial_sum_and_no_narrower_one_does(fmt):
    datapath = Datapath(operands={"a": fmt, "b": fmt}, accumulator="fp32")
    number = datapath.operands.a
    random = np.random.default_rng(5)
    a, b = number.encode(random.normal(size=(3, 9))), number.encode(random.normal(size=(9, 4)) / 8)
    (found,) = extremes(datapath, a, b)
    word = kulisch_of_data(datapath, (a, b), found)
    x, y = number.decode(a).tolist(), number.decode(b).T.tolist()
    partial, products = [Fraction(0)], []
    for row in x:
        for column in y:
            terms = [Fraction(p) * Fraction(q) for p, q in zip(row, column, strict=True)]
            products += terms
            partial += [sum(terms[: end + 1], Fraction(0)) for end in range(len(terms))]
    units = [value / Fraction(2) ** word.low for value in (*partial, *products)]
    assert all(value.denominator == 1 for value in units)
    assert any(value.numerator % 2 for value in units[len(partial) :])  # a coarser last place would not do
    assert word.bits == needed_bits(int(min(units[: len(partial)])), int(max(units[: len(partial)])))
    assert word.bits <= kulisch_of_formats(datapath, 9).bits


def test_errors_are_those_of_numpy():
    datapath = Datapath(operands={"a": "int8", "b": "int8"}, accumulator="int24")
    random = np.random.default_rng(1)
    a, b = random.integers(-128, 128, (5, 30)), random.integers(-128, 128, (30, 6))
    part = Part(registers(datapath), (a.astype(np.uint8), b.astype(np.uint8)))
    exact = a @ b
    wrapped = (exact + 2**13) % 2**14 - 2**13
    error = next(each for each in error_curve(0, [part], 21) if each.accumulator == "int14 wrap")
    assert error.changed == (wrapped != exact).sum() > 0
    noise = float(((wrapped - exact) ** 2).sum()) / float((exact**2).sum())
    assert error.rel_l2 == pytest.approx(math.sqrt(noise), rel=1e-12)
    assert error.sqnr_db == pytest.approx(-10 * math.log10(noise), abs=1e-9)


def test_the_other_register_loses_nothing():
    datapath = Datapath(operands={"a": "int8", "b": "int8"}, accumulator={"every": 4, "into": "int8", "inner": "int9"})
    inner, outer = registers(datapath)
    assert inner.alone({"kind": "integer", "bits": 20}).accumulator.into.bits == 60
    assert outer.alone({"kind": "integer", "bits": 20}).accumulator.chunk.bits == 60
    assert inner.alone({"kind": "float", "format": "e8m7"}).accumulator.into.format.name == "fp64"
    assert outer.alone({"kind": "float", "format": "e8m7"}).accumulator.chunk.bits == 60
    assert option(inner, "x", inner.accumulator, technology.get("7nm")).bits == 9


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("systolic_int8_ws_32x32", {"quantization.activations.symmetric": False}),
        (
            "systolic_int8_ws_32x32",
            {"quantization.weights.granularity": "group", "quantization.weights.group_size": 40},
        ),
        ("systolic_int8_ws_32x32", {"quantization.activations.granularity": "channel"}),
        ("tensorcore_fp8", {"compute.datapath.multiplier": "lmul"}),
        ("systolic_fp8_ws_32x32", {"compute.pe.accumulator": {"format": "e5m4"}}),  # overflows to infinity
    ],
    ids=str,
)
def test_other_quantizations_multipliers_and_infinities(name, changes):
    found = analyse_accumulators(Architecture.load(name).override(changes), Workload.load("digits_cnn"), rows=4)
    for layer in found.layers:
        grouped = changes.get("quantization.weights.group_size")
        assert layer.parts == (1 if grouped is None else -(-layer.k // grouped))
        for register in layer.registers:
            for error in register.curve:
                if error.kind == "saturate" and error.bits >= register.partial_bits:
                    assert error.changed == 0


def test_large_products_are_sampled_by_columns_too():
    picked = Picker((8, 64), 100, True, 0, "x")(64 * 10, None)
    assert (picked.sample.kept, picked.sample.columns, picked.sample.whole) == (1, 10, False)
    a, b = np.arange(8 * 64).reshape(8, 64), np.arange(64 * 100).reshape(64, 100)
    assert picked.of_a(a).shape == (1, 64) and picked.of_b(b).shape == (64, 10)
    assert Picker((8, 64), 100, True, 0, "x")(1 << 20, None).sample.whole


def test_a_smaller_sample_is_part_of_a_larger_one():
    picker = Picker((1000, 4), 4, True, 3, "layer")
    few, many = picker(16 * 10, None), picker(16 * 100, None)
    assert few.sample.kept == 10 and set(few.chosen) < set(many.chosen)


def test_integers_are_offered_in_place_of_a_float_that_adds_them():
    rule = {"format": "int8", "granularity": "tensor", "scale": "absmax"}
    changed = {
        "compute.pe.operands": {"a": "int8", "b": "int8"},
        "quantization": {"weights": rule, "activations": rule},
    }
    array = Architecture.load("systolic_bf16_os_16x16").override(changed)
    found = analyse_accumulators(array, Workload.load("digits_cnn"), rows=4)
    labels = [each.label for each in found.options]
    assert labels == ["present", "quiet enough", "data, saturating", "data, wrapping", "any input", "data types"]
    assert found.options[0].accumulator == "fp32"
    assert found.options[-1].accumulator == "int25 wrap"  # K = 512: 512·2^7·2^7 = 2^23, one more than 24 bits hold
