"""Fusion: a chain of operators cut into blocks of rows, whose intermediate results stay on the chip.

A block of b rows goes through all links of the chain before the next block begins. What a link writes for the next
one lies whole in an on-chip memory, the *home*, so that it never meets the outermost memory; one link's input and
output are there at once. Each product on a block is mapped by `hwsim.mapping.map_gemm` with what room the
intermediate results leave (of a double-buffered memory, half of that). Its weights are fetched again for every block,
or *kept*: loaded once into the outermost on-chip memory that may hold them, before the first block. Then

    cycles = Σ kept loads + Σ_blocks Σ_links cycles(link, block),

times the repeats of the chain: links do not overlap. Other operands of vector work (a residual) pass the home once.

The space is every size of a block (`hwsim.mapping.candidates`: all that differ in the number of blocks, or the
usual parts where these are many), every home and every set of kept weights. A choice is not mapped to its end where
a bound of its objective, from the units' peak and the bytes that the outermost memory must move, rules it out. So the
choice is the best of this space by its objective, given the mapper's mappings; of equals the one with the least bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Map
from dataclasses import dataclass, field, replace
from itertools import product

from hwsim.base.errors import HwsimError
from hwsim.mapping.candidates import all_sizes, tile_sizes
from hwsim.mapping.chain import Chain, ProductLink, VectorLink
from hwsim.mapping.chain_blocks import Blocks, Choice, Machine
from hwsim.mapping.found import objective_pair
from hwsim.mapping.problem import Energies
from hwsim.mapping.record import Mapping

MOST_BLOCKS = 64
"""Sizes of a block up to which ``tiles: auto`` looks at all of them."""


@dataclass(frozen=True)
class Fused:
    """The best way to fuse a chain: what each link costs in all blocks and repeats together."""

    choice: Choice
    mappings: Map[str, Mapping] = field(default_factory=dict)
    """Link to its mapping: tiles and loops of one block, cycles and traffic of all."""
    choices: int = 0
    """Ways to fuse the chain that there are; the best of them is this one."""
    mapped: int = 0
    """Those that no bound ruled out."""

    @property
    def cycles(self) -> int:
        return sum(mapping.cycles for mapping in self.mappings.values())


def fuse(chain: Chain, machine: Machine) -> Fused:
    """The best blocks for ``chain`` by the machine's objective; `HwsimError` where no block fits."""
    search = _Search(chain, machine)
    choices = list(search.choices())
    bounds: list[tuple[float, int]] = []
    problem: HwsimError | None = None
    for place, choice in enumerate(choices):
        try:
            bounds.append((search.bound(choice), place))
        except HwsimError as error:
            problem = problem or error
    best: Fused | None = None
    least, mapped = float("inf"), 0
    for bound, place in sorted(bounds):
        if bound >= least:
            break
        try:
            mappings = search.map(choices[place], least)
        except HwsimError as error:
            problem = problem or error
            continue
        mapped += 1
        if mappings is not None and (found := search.score(mappings.values())) < least:
            least, best = found, Fused(choices[place], mappings)
    if best is None:
        raise problem or HwsimError("no on-chip memory of the whole chip may hold both inputs and outputs")
    return replace(best, choices=len(choices), mapped=mapped)


def joules(mapping: Mapping, prices: Energies) -> float:
    """Energy of a mapping's traffic."""
    return sum(
        8 * moved[way] * prices.get(name, (0.0, 0.0))[at]
        for name, moved in mapping.traffic.items()
        for at, way in enumerate(("read", "write"))
    )


@dataclass(frozen=True)
class _Least:
    """What some links take at least."""

    cycles: float = 0.0
    joules: float = 0.0
    outer_bytes: float = 0.0


_NOTHING = _Least()
_ROUNDING = 1 - 1e-12
"""So that a bound stays one when sums of floats are rounded."""


class _Search:
    def __init__(self, chain: Chain, machine: Machine) -> None:
        self.chain, self.machine = chain, machine
        self.blocks = Blocks(chain, machine)

    def choices(self) -> Iterator[Choice]:
        step, m = self.machine.unit.tile_step[0], self.chain.m
        sizes = all_sizes(m, step)
        if self.machine.tiles == "parts" or (self.machine.tiles == "auto" and len(sizes) > MOST_BLOCKS):
            sizes = tile_sizes(m, step)
        keeps = [False, True] if self.machine.keeper() else [False]
        for rows, home in product(sizes, self.machine.homes()):
            for kept in product(keeps, repeat=len(self.chain.products)):
                yield Choice(rows, home, kept)

    def score(self, mappings: Iterable[Mapping], rest: _Least = _NOTHING) -> float:
        """The objective of some links, and at least of the ``rest``."""
        found = list(mappings)
        cycles = sum(mapping.cycles for mapping in found) + rest.cycles
        beside = self.machine.beside
        spent = sum(joules(mapping, self.machine.prices) for mapping in found) + rest.joules
        spent += beside.per_cycle_j * cycles + beside.fixed_j
        outer = sum(sum(mapping.traffic[self.machine.outermost].values()) for mapping in found) + rest.outer_bytes
        return float(objective_pair(self.machine.objective, cycles, spent, outer)[0])

    def bound(self, choice: Choice) -> float:
        """What no mapping of a choice is below: its vector work as mapped, its products at least."""
        for index in range(len(self.chain.links)):
            self.blocks.room(index, choice.rows, choice)
        found = self._vectors(choice)
        return self.score(found.values(), self._least(choice, self.chain.products))

    def _least(self, choice: Choice, products: list[ProductLink]) -> _Least:
        """What products take at least, one after the other: the unit's time at its peak, or that of the outermost
        memory for what it must move."""
        machine, blocks = self.machine, -(-self.chain.m // choice.rows)
        memory, (read, write) = machine.memories[machine.outermost], machine.prices.get(machine.outermost, (0.0, 0.0))
        rate = memory.read_bits_per_cycle(machine.clock_hz)
        cycles, spent, outer = 0.0, 0.0, 0.0
        for link, keeps in zip(self.chain.products, choice.kept, strict=True):
            if link not in products:
                continue
            rows = self.chain.count * self.chain.m
            comes = link.gemm.count * link.gemm.n * link.gemm.k * link.element_bytes[1] * (1 if keeps else blocks)
            comes += rows * link.reads * link.read_bytes if link is self.chain.links[0] else 0
            leaves = rows * link.writes * link.result_bytes if link is self.chain.links[-1] else 0
            cycles += max(link.gemm.macs / machine.unit.peak_macs_per_cycle, 8 * comes / rate)
            spent += 8 * (comes * read + leaves * write)
            outer += comes + leaves
        return _Least(*(_ROUNDING * value for value in (cycles, spent, outer)))

    def map(self, choice: Choice, limit: float = float("inf")) -> dict[str, Mapping] | None:
        """Every link in all blocks; None if it cannot be below ``limit``, `HwsimError` if a block does not fit."""
        found = self._vectors(choice)
        rest = list(self.chain.products)
        for index, link in enumerate(self.chain.links):
            if isinstance(link, ProductLink):
                if self.score(found.values(), self._least(choice, rest)) >= limit:
                    return None
                keeps = choice.kept[self.chain.products.index(link)]
                found[link.name] = self.blocks.whole(index, choice, keeps)
                rest.remove(link)
        names = ", ".join(link.name for link in self.chain.links)
        blocks = self.chain.count * -(-self.chain.m // choice.rows)
        text = f"for block in {blocks} x {choice.rows} rows of {names}, between them in {choice.home}"
        kept = {link.name for link, keeps in zip(self.chain.products, choice.kept, strict=True) if keeps}
        return {
            link.name: replace(found[link.name], fused=text + ("; weights kept" if link.name in kept else ""))
            for link in self.chain.links
        }

    def _vectors(self, choice: Choice) -> dict[str, Mapping]:
        """The chain's vector work in all blocks, by link."""
        return {
            link.name: self.blocks.whole(index, choice)
            for index, link in enumerate(self.chain.links) if isinstance(link, VectorLink)
        }  # fmt: skip
