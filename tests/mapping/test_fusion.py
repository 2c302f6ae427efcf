"""Fused chains: every way to cut them by brute force, what a block moves by walking it, and what never moves."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_chips import CHIPS, CLOCK, CORES, PARTIAL, SYSTOLIC, WIDTHS, dram, sram

from hwsim.base.errors import HwsimError
from hwsim.mapping import map_gemm, map_vector
from hwsim.mapping.chain import Chain, ProductLink, VectorLink
from hwsim.mapping.chain_blocks import Machine
from hwsim.mapping.fusion import _Search, fuse, joules
from hwsim.mapping.hierarchy import build_hierarchy
from hwsim.mapping.problem import Widths, build_problem
from hwsim.mapping.simulator import TileSimulator
from hwsim.units.base import Gemm, VectorWork
from hwsim.units.vector import VectorUnit

VECTOR = VectorUnit(lanes=4)
FUSABLE = ["one buffer", "two stages", "accumulator", "cores", "array"]


def machine(chip="one buffer", **options):
    unit, memory = CHIPS[chip]
    return Machine(unit, VECTOR, memory, CLOCK, **options)


def product(name, m, n, k, count=1):
    return ProductLink(name, Gemm(m, n, k, count), WIDTHS, PARTIAL)


def softmax(rows, length):
    elements = rows * length
    return VectorLink("softmax", VectorWork(elements, elements, {"exp": elements, "div": elements}), rows, 1, 1)


def mlp(m, k, hidden, n, count=1):
    return Chain((product("up", m, hidden, k, count), product("down", m, n, hidden, count)))


def attention(tokens, head, count):
    return Chain(
        (product("scores", tokens, tokens, head, count), softmax(count * tokens, tokens),
         product("context", tokens, head, tokens, count))
    )  # fmt: skip


def unfused(chain, on):
    """Every link by itself."""
    found = []
    for link in chain.links:
        if isinstance(link, ProductLink):
            found.append(map_gemm(link.gemm, on.unit, on.memories, CLOCK, WIDTHS, PARTIAL, energies=on.energies,
                                  objective=on.objective))  # fmt: skip
        else:
            shared = {name: memory for name, memory in on.memories.items() if memory.per != "pe"}
            found.append(map_vector(link.work, VECTOR, shared, CLOCK, 1, 1, cores=on.unit.core_count))
    return found


small = st.integers(1, 6)


@settings(max_examples=25)
@given(
    chip=st.sampled_from(FUSABLE), m=st.integers(1, 9), k=small, hidden=small, n=small,
    count=st.integers(1, 2), objective=st.sampled_from(["cycles", "energy", "edp", "traffic"]),
)  # fmt: skip
def test_the_best_of_all_choices(chip, m, k, hidden, n, count, objective):
    on = machine(chip, objective=objective, energies=dict.fromkeys(CHIPS[chip][1], (7.0, 5.0)))
    chain = mlp(m, k, hidden, n, count)
    search, scores = _Search(chain, on), []
    for choice in search.choices():
        try:
            mapped = search.map(choice)
            bound = search.bound(choice)
        except HwsimError:
            continue
        scores.append(search.score(mapped.values()))
        assert bound <= scores[-1]
    found = fuse(chain, on)
    score = {
        "cycles": found.cycles,
        "traffic": sum(sum(one.traffic["dram"].values()) for one in found.mappings.values()),
    }
    assert search.score(found.mappings.values()) == min(scores)
    assert score.get(objective, min(scores)) == min(scores)


@settings(max_examples=25)
@given(chip=st.sampled_from(FUSABLE), tokens=st.integers(1, 9), head=st.integers(1, 5), count=st.integers(1, 2))
def test_intermediate_results_never_meet_the_outermost_memory(chip, tokens, head, count):
    chain, on = attention(tokens, head, count), machine(chip, objective="traffic")
    found = fuse(chain, on)
    together = sum(sum(one.traffic["dram"].values()) for one in found.mappings.values())
    compulsory = count * 4 * tokens * head  # queries, keys, values and results, a byte each
    assert together >= compulsory
    assert found.mappings["scores"].traffic["dram"]["write"] == 0
    assert found.mappings["softmax"].traffic["dram"] == {"read": 0, "write": 0}
    read = {key[1] for key, bits in found.mappings["context"].bits.items() if key[0] == "dram" and bits}
    assert read == {"weight", "output"}
    home = found.choice.home
    assert found.mappings["context"].bits[home, "input", "read"] >= 8 * count * tokens**2
    for mapping in found.mappings.values():
        assert mapping.cycles == mapping.compute_cycles + mapping.stall_cycles
        assert mapping.cycles >= mapping.peak_cycles


def test_with_room_only_compulsory_bytes_move():
    memory = {"dram": dram(4), "buffer": sram(1 << 16, 8, double_buffered=True)}
    on = Machine(SYSTOLIC, VECTOR, memory, CLOCK, objective="traffic")
    for chain in (mlp(30, 8, 20, 10), attention(16, 6, 3)):
        found = fuse(chain, on)
        moved = [found.mappings[link.name].traffic["dram"] for link in chain.products]
        assert moved == [found.mappings[link.name].compulsory for link in chain.products]
    assert sum(sum(one.values()) for one in moved) == 3 * 4 * 16 * 6


@settings(max_examples=40)
@given(
    chip=st.sampled_from(["one buffer", "two stages", "accumulator", "array"]),
    shape=st.tuples(*[st.integers(1, 8)] * 3),
    whole=st.sets(st.sampled_from(["input", "output"])),
)
def test_a_block_moves_what_walking_it_moves(chip, shape, whole):
    unit, memory = CHIPS[chip]
    home = list(memory)[1]
    sources = dict.fromkeys(sorted(whole), home)
    one = map_gemm(Gemm(*shape), unit, memory, CLOCK, WIDTHS, PARTIAL, sources=sources)
    hierarchy = build_hierarchy(memory, CLOCK, sources)
    from hwsim.units.spatial import Unrolling

    problem = build_problem(Gemm(*shape), unit, hierarchy, Widths(8, 8, 8, 24), None, None, Unrolling(one.unrolling))
    orders = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    rows = [[*level.tile, *level.core_tile, orders.index(level.order), level.resident] for level in one.levels]
    walked = TileSimulator(problem, np.array(rows, np.int64)).run()
    assert walked.cycles == one.cycles
    assert {key: bits for key, bits in walked.total.items() if bits} == one.bits
    assert not any(key[:2] == ("dram", operand) for key in one.bits for operand in whole)


def test_blocks_and_their_edge_add_up():
    """7 rows in blocks of 3, 3 and 1, for two repeats."""
    on, chain = machine(), mlp(7, 4, 3, 5, count=2)
    search = _Search(chain, on)
    choice = next(one for one in search.choices() if one.rows == 3 and one.kept == (False, False))
    whole = search.map(choice)["up"]
    full, edge = (
        map_gemm(Gemm(rows, 3, 4), on.unit, {**on.memories, "buffer": on.memories["buffer"].model_copy(
            update={"capacity": 300 - rows * 3})}, CLOCK, WIDTHS, PARTIAL, sources={"output": "buffer"})
        for rows in (3, 1)
    )  # fmt: skip
    assert whole.cycles == 2 * (2 * full.cycles + edge.cycles)
    assert whole.bits == {
        key: 2 * (2 * full.bits.get(key, 0) + edge.bits.get(key, 0)) for key in {**full.bits, **edge.bits}
    }
    assert whole.loop_nest().splitlines()[1] == "for block in 6 x 3 rows of up, down, between them in buffer"


def test_kept_weights_are_loaded_once():
    slow = {"dram": dram(0.5), "buffer": sram(700, 20, double_buffered=True)}
    on = Machine(SYSTOLIC, VECTOR, slow, CLOCK, objective="traffic")
    found = fuse(mlp(60, 6, 12, 6), on)
    assert found.choice.kept == (True, True)
    assert found.choice.rows < 60
    assert found.mappings["up"].bits["dram", "weight", "read"] == 8 * 6 * 12
    assert found.mappings["up"].bits["buffer", "weight", "write"] == 8 * 6 * 12
    assert found.mappings["up"].loop_nest().splitlines()[1].endswith("; weights kept")
    again = _Search(mlp(60, 6, 12, 6), on).map(replace(found.choice, kept=(False, False)))
    blocks = -(-60 // found.choice.rows)
    assert again["up"].bits["dram", "weight", "read"] >= blocks * 8 * 6 * 12
    load = -(-8 * 6 * 12 // 4)  # 4 bits a cycle
    assert found.mappings["up"].stall_cycles >= load


def test_a_residual_comes_from_outside_and_leaves():
    add = VectorLink("add", VectorWork(2 * 8 * 5, 8 * 5, {"add": 40}), 8, 1, 1)
    found = fuse(Chain((product("out", 8, 5, 4), add)), machine("one buffer"))
    assert found.mappings["add"].traffic["dram"] == {"read": 40, "write": 40}
    assert found.mappings["add"].traffic["buffer"] == {"read": 80 + 40, "write": 40 + 40}


def test_fusion_gains_where_memory_is_slow():
    chain, on = attention(24, 4, 2), Machine(
        SYSTOLIC, VECTOR, {"dram": dram(0.5), "buffer": sram(4000, 20, double_buffered=True)}, CLOCK
    )  # fmt: skip
    found = fuse(chain, on)
    assert found.cycles < sum(one.cycles for one in unfused(chain, on))
    assert joules(found.mappings["context"], on.prices) == 8 * sum(found.mappings["context"].traffic["dram"].values())


def test_what_cannot_be_fused():
    with pytest.raises(HwsimError, match="two operators or more, a product among them"):
        Chain((product("one", 3, 4, 5),))
    with pytest.raises(HwsimError, match="down does not read the 3 x 4 rows of up"):
        Chain((product("up", 3, 4, 5), product("down", 3, 6, 5)))
    with pytest.raises(HwsimError, match="down has 1 x 4 rows, up 1 x 3"):
        Chain((product("up", 3, 4, 5), product("down", 4, 6, 4)))
    with pytest.raises(HwsimError, match="softmax does not read the 3 x 4 rows of up"):
        Chain((product("up", 3, 4, 5), softmax(3, 3)))
    with pytest.raises(
        HwsimError, match=r"does not fit memories.buffer: intermediate results .* take 400 B of 300 B, 100 B too much"
    ):
        fuse(mlp(1, 2, 400, 2), machine())
    cores_only = Machine(CORES, VECTOR, {"dram": dram(4), "shared": sram(500, 5, per="core")}, CLOCK)
    with pytest.raises(HwsimError, match="no on-chip memory of the whole chip may hold both inputs and outputs"):
        fuse(mlp(2, 2, 2, 2), cores_only)
