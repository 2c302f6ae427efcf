"""Spatial arrays: loops over the elements, groups side by side, cores with memories of their own."""

from dataclasses import replace
from itertools import product

import pytest

from hwsim.base.errors import HwsimError
from hwsim.mapping import map_front, map_gemm
from hwsim.memory.base import memories
from hwsim.units.base import Gemm, Window
from hwsim.units.spatial import SpatialArray
from hwsim.units.tensor_core import TensorCore

INT8 = {"operands": {"a": "int8", "b": "int8"}, "accumulator": {"bits": 24}}
CLOCK = 1e9
BYTES = (1, 1, 1)
DEPTHWISE = Gemm(m=16, n=1, k=9, count=6), Window(1, (4, 4), 1, (3, 3), (6, 6))
OBJECTIVES = ("cycles", "energy", "edp", "traffic")


def dram(bytes_per_cycle):
    return memories.get("dram")(standard="HBM2", bandwidth=bytes_per_cycle * CLOCK)


def sram(capacity, bytes_per_cycle, **options):
    return memories.get("sram")(capacity=capacity, bandwidth=bytes_per_cycle * CLOCK, **options)


def array(*loops, cores=1):
    return SpatialArray(array=[{"size": size, "unroll": names} for size, names in loops], pe=INT8, cores=cores)


FAST = {"dram": dram(1 << 12), "buffer": sram(4096, 1 << 12, double_buffered=True)}


@pytest.mark.parametrize(("loops", "steps"), [(["K"], 6), (["K", "G"], 2), (["G"], 2)])
def test_groups_of_a_depthwise_convolution_follow_each_other_or_stand_side_by_side(loops, steps):
    """Six filters of 3 x 3 over 16 pixels: one after the other, or four at a time in two rounds."""
    gemm, window = DEPTHWISE
    mapping = map_gemm(gemm, array((4, loops)), FAST, CLOCK, BYTES, window=window)
    assert mapping.compute_cycles == steps * 16 * 9
    assert mapping.unrolling == ({"G": 3} if steps == 2 else {})  # three fill two rounds as well as four
    assert mapping.traffic["dram"] == {"read": 6 * (36 + 9), "write": 6 * 16}


def test_an_element_keeps_words_of_its_own_group_alone():
    """Registers for nine weights hold a filter, whichever of four groups the element works on; eight do not."""
    gemm, window = DEPTHWISE
    for room, fits in ((9, True), (8, False)):
        registers = FAST | {"weights": sram(room, 1, holds=("weight",), per="pe")}
        whole = {"stages": [{}, {"k": 9}]}
        if not fits:
            with pytest.raises(HwsimError, match=r"memories.weights: .* needs 9 B of 8 B"):
                map_gemm(gemm, array((4, ["G"])), registers, CLOCK, BYTES, window=window, fixed=whole)
            continue
        mapping = map_gemm(gemm, array((4, ["G"])), registers, CLOCK, BYTES, window=window, fixed=whole)
        assert mapping.traffic["weights"] == {"read": gemm.macs, "write": 6 * 9}


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("cores", [1, 3])
def test_the_best_of_all_unrollings_is_found_among_groups_too(objective, cores):
    """Each unrolling by itself, and the choice of the mapper: products of a batch spread or not, of all cores."""
    gemm, unit = Gemm(3, 4, 5, count=4), array((4, ["G", "K"]), (2, ["C"]), cores=cores)
    memory = {"dram": dram(3), "buffer": sram(64, 7, double_buffered=True, per="core" if cores > 1 else "chip")}
    energies = {"dram": (20.0, 30.0), "buffer": (1.0, 2.0)}
    options = {"energies": energies, "objective": objective}

    def value(mapping):
        joules = sum(energies[name][way == "write"] * bits for (name, _, way), bits in mapping.bits.items())
        outer = sum(bits for (name, _, _), bits in mapping.bits.items() if name == "dram")
        figures = {"cycles": mapping.cycles, "energy": joules, "edp": joules * mapping.cycles, "traffic": outer}
        return figures[objective]

    chosen = map_gemm(gemm, unit, memory, CLOCK, BYTES, **options)
    assert chosen.guarantee.optimal
    every = []
    for groups, filters, channels in product(range(1, 5), range(1, 5), range(1, 3)):
        if groups * filters <= 4:
            unroll = {"G": groups, "K": filters, "C": channels}
            every.append(map_gemm(gemm, unit, memory, CLOCK, BYTES, fixed={"unroll": unroll}, **options))
    assert value(chosen) == pytest.approx(min(map(value, every)), rel=1e-12)


def test_a_front_compares_mappings_of_all_products():
    gemm, unit = Gemm(3, 4, 5, count=4), array((4, ["G", "K"]), (2, ["C"]))
    memory, energies = {"dram": dram(3), "buffer": sram(64, 7)}, {"dram": (20.0, 30.0), "buffer": (1.0, 2.0)}
    front = map_front(gemm, unit, memory, CLOCK, BYTES, energies=energies)
    for objective, point in (("cycles", front[0]), ("energy", front[-1])):
        best = map_gemm(gemm, unit, memory, CLOCK, BYTES, energies=energies, objective=objective)
        assert (best.cycles, best.bits) == (point.cycles, point.bits)


@pytest.mark.parametrize("cores", [2, 3, 4])
def test_cores_share_pixels_and_filters(cores):
    """As many cores, as few steps; the weights come to each core that works on their filters."""
    gemm = Gemm(m=24, n=8, k=4)
    memory = {"dram": dram(1 << 12), "buffers": sram(4096, 1 << 12, per="core", double_buffered=True)}
    unit = array((4, ["K"]), (4, ["C"]), cores=cores)
    mapping = map_gemm(gemm, unit, memory, CLOCK, BYTES)
    assert mapping.compute_cycles == unit.timing(gemm).compute == 48 // cores
    assert unit.peak_macs_per_cycle == cores * 16
    rows, columns = mapping.levels[0].cores
    assert rows * columns == cores
    assert mapping.traffic["dram"] == {"read": columns * 24 * 4 + rows * 8 * 4, "write": 24 * 8}


def test_each_core_reads_the_halo_of_its_rows():
    """Two cores take two of four output rows each: 4 of 6 rows of pixels, 24 of 36 pixels."""
    gemm, window = DEPTHWISE
    memory = {"dram": dram(1 << 12), "buffers": sram(4096, 1 << 12, per="core", double_buffered=True)}
    unit = array((4, ["K"]), cores=2)
    mapping = map_gemm(replace(gemm, count=1), unit, memory, CLOCK, BYTES, window=window)
    assert mapping.levels[0].cores == (2, 1)
    assert mapping.traffic["dram"] == {"read": 2 * 24 + 2 * 9, "write": 16}


def test_cores_without_memories_of_their_own_are_refused():
    with pytest.raises(HwsimError, match=r"the 2 cores of a spatial array have memories of their own \(per: core\)"):
        map_gemm(Gemm(4, 4, 4), array((4, ["K"]), cores=2), FAST, CLOCK, BYTES)


def test_smaller_unrollings_are_tried_where_none_that_fills_the_array_fits():
    """Eight filters by eight channels need 64 weights at a time; the buffer holds 16."""
    memory = {"dram": dram(8), "buffer": sram(32, 64), "weights": sram(16, 64, holds=("weight",))}
    unit = array((8, ["K"]), (8, ["C"]))
    mapping = map_gemm(Gemm(4, 8, 8), unit, memory, CLOCK, BYTES)
    assert mapping.unrolling.get("K", 1) * mapping.unrolling.get("C", 1) <= 16
    assert mapping.compute_cycles == 4 * 64 // 16
    with pytest.raises(HwsimError, match=r"memories.weights: its smallest tile, 1x1x1, needs 1 B of 0 B"):
        map_gemm(
            Gemm(4, 8, 8), unit, memory | {"weights": sram(1, 1, holds=("weight",), double_buffered=True)}, CLOCK, BYTES
        )


def test_a_file_whose_cores_have_no_memories_is_not_fine(tmp_path):
    from hwsim.arch import Architecture
    from hwsim.cli.check import check_file

    simba = Architecture.load("simba_like")
    shared = {name: {**entry, "per": "chip"} for name, entry in simba.data()["memories"].items()}
    file = tmp_path / "chip.yaml"
    file.write_text(simba.override({"memories": shared}).text())
    with pytest.raises(HwsimError, match=r"chip.yaml: the 16 cores of a spatial array have memories of their own"):
        check_file(str(file))


def test_a_saved_mapping_without_unrolling_comes_back():
    """Nothing is spread because nothing spread fits; the file says so."""
    memory, unit = {"dram": dram(8), "buffer": sram(5, 8)}, array((3, ["K"]))
    one = map_gemm(Gemm(4, 2, 6), unit, memory, CLOCK, BYTES, 3)
    assert one.unrolling == {}
    again = map_gemm(Gemm(4, 2, 6), unit, memory, CLOCK, BYTES, 3, fixed=one.data())
    assert (again.cycles, again.bits) == (one.cycles, one.bits)
    partly = map_gemm(Gemm(4, 2, 6), unit, memory, CLOCK, BYTES, 3, fixed={"stages": [{"k": 1}]})
    assert partly.unrolling == {}


def test_equal_energies_are_decided_by_cycles():
    """Sums of joules in another order differ in their last places; the faster of two mappings is the better."""
    unit = TensorCore(cores=2, tile={"m": 2, "n": 2, "k": 4}, macs_per_cycle=8, datapath=INT8)
    memory = {"dram": dram(4), "l2": sram(2000, 8), "shared": sram(200, 8, per="core")}
    energies = {"dram": (20.1, 3.3), "l2": (1.7, 0.9), "shared": (0.3, 0.7)}
    options = {"energies": energies, "objective": "energy"}
    chosen = map_gemm(Gemm(4, 4, 6, count=2), unit, memory, CLOCK, BYTES, **options)

    def joules(mapping):
        return sum(energies[name][way == "write"] * bits for (name, _, way), bits in mapping.bits.items())

    for groups in (1, 2):
        other = map_gemm(Gemm(4, 4, 6, count=2), unit, memory, CLOCK, BYTES, fixed={"groups": groups}, **options)
        assert joules(chosen) <= joules(other) * (1 + 1e-12)
        assert joules(chosen) < joules(other) * (1 - 1e-12) or chosen.cycles <= other.cycles


def test_an_fpga_counts_the_registers_of_every_element():
    from hwsim.arch import Architecture
    from hwsim.cli.component_view import component_numbers
    from hwsim.technology import fpga

    eyeriss = Architecture.load("eyeriss_like")
    memory = eyeriss.memories["inputs"]
    one = fpga.memory(memory.capacity, memory.width)
    shown = component_numbers("inputs", None, "eyeriss_like", fpga=True).numbers
    assert [number.value for number in shown] == [168 * number for number in (one.luts, one.bram36) if number]
