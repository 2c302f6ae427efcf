"""In which order and in which blocks products meet: large terms that cancel swallow what they met in between.

With +M at i, −M at j and a small u at l, u is missing from d if it met one of the two before they met each other.
The sets of swallowed l over all j reveal the order (FPRev, arXiv:2411.00442, which counts them; Fasi et al., PeerJ CS
7:e330, section 3, move one large term through the positions). Where the operands' range is too narrow to swallow,
two products of half a unit in the last place of c tell whether they meet before a rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwsim.engine.probe.black_box import BlackBox
from hwsim.engine.probe.terms import exponents, precision_of, product_range, products, values

Sets = dict[int, frozenset[int]]


@dataclass(frozen=True)
class Order:
    """Blocks of positions along K in the order in which they are added."""

    blocks: tuple[tuple[int, ...], ...]
    swallows: bool | None
    """Whether large terms swallow small ones of their own block; None where the range shows neither."""
    method: str
    """The experiment that told: ``cancelling``, ``meeting`` or ``none``."""
    together: dict[tuple[int, int], tuple[int, ...]]
    """Pair to the positions swallowed between its two large terms, by the pivot's row of experiments."""

    @property
    def lanes(self) -> int:
        """Products of a block: of most blocks, the larger where two sizes are as frequent."""
        sizes = [len(block) for block in self.blocks]
        return max(sizes, key=lambda size: (sizes.count(size) * size, size)) if sizes else 1

    @property
    def sequence(self) -> tuple[int, ...]:
        """All positions in order of addition, ascending within a block."""
        return tuple(k for block in self.blocks for k in block)


def faithful_low(box: BlackBox) -> int:
    """The least exponent at which a lone product of 2**e comes out as it is."""
    span = product_range(box)
    tried = np.arange(span.low, span.least - 1, -1)
    sign = np.zeros((len(tried), box.k))
    sign[:, 0] = 1
    d = values(box.d, box.ask(products(box, sign, np.repeat(tried[:, None], box.k, 1), np.zeros(len(tried)))))
    wrong = np.flatnonzero(d != np.ldexp(1.0, tried))
    return int(tried[wrong[0]] + 1 if len(wrong) else tried[-1])


def find_order(box: BlackBox) -> Order:
    """The order of ``box``, from large terms that cancel or, if those swallow nothing, from terms that meet."""
    sets = swallowed(box, 0)
    pivot = _first(box) if any(sets.values()) else 0
    sets = swallowed(box, pivot) if pivot else sets
    if any(sets.values()):
        shown = {(pivot, j): tuple(sorted(lost)) for j, lost in sets.items()}
        exact = _exact_blocks(pivot, sets)
        blocks = exact or _closed_blocks(pivot, sets)
        return Order(_evened(blocks), exact is None, "cancelling", shown)
    blocks = meeting(box)
    if any(len(block) > 1 for block in blocks):
        return Order(blocks, None, "meeting", {})
    return Order((tuple(range(box.k)),), None, "none", {})


def large_and_small(box: BlackBox) -> tuple[int, int]:
    """Exponents of M and of u: as far apart as products and d allow."""
    return min(product_range(box).most, exponents(box.d)[1], 100), faithful_low(box)


def cancelling(box: BlackBox, i: np.ndarray, j: np.ndarray, small: np.ndarray) -> np.ndarray:
    """Values d / 2**u of rows with +M at i, −M at j and 2**u where ``small`` [rows, K] is true."""
    large, low = box.reach if box.reach is not None else large_and_small(box)
    box.reach = (large, low)
    rows = np.arange(len(i))
    sign, exponent = small.astype(float), np.full(small.shape, low)
    for place, s in ((i, 1.0), (j, -1.0)):
        sign[rows, place], exponent[rows, place] = s, large
    d = values(box.d, box.ask(products(box, sign, exponent, np.zeros(len(i)))))
    return np.asarray(d / 2.0**low)


def _first(box: BlackBox) -> int:
    """The position whose cancelling pairs swallow least: one of the first block. The first of equals.

    Looked for within one instruction, whose products come before those of the next.
    """
    k = min(box.instruction_k or box.k, box.k)
    kept = [_kept(box, pivot, k) for pivot in range(k)]
    return int(np.argmax(kept))


def _kept(box: BlackBox, pivot: int, k: int) -> int:
    """Pairs (j, l) below k where +M at ``pivot`` and −M at j leave u at l."""
    j, spot = (x.reshape(-1) for x in np.meshgrid(np.arange(k), np.arange(k), indexing="ij"))
    apart = (j != spot) & (j != pivot) & (spot != pivot)
    j, spot = j[apart], spot[apart]
    if not len(j):
        return 0
    small = np.zeros((len(j), box.k), bool)
    small[np.arange(len(j)), spot] = True
    return int((cancelling(box, np.full(len(j), pivot), j, small) == 1.0).sum())


def swallowed(box: BlackBox, pivot: int) -> Sets:
    """For every j: the positions whose u is missing when M at ``pivot`` meets −M at j."""
    j, spot = (x.reshape(-1) for x in np.meshgrid(np.arange(box.k), np.arange(box.k), indexing="ij"))
    apart = (j != spot) & (j != pivot) & (spot != pivot)
    j, spot = j[apart], spot[apart]
    small = np.zeros((len(j), box.k), bool)
    small[np.arange(len(j)), spot] = True
    left = cancelling(box, np.full(len(j), pivot), j, small)
    lost: dict[int, set[int]] = {int(other): set() for other in range(box.k) if other != pivot}
    for other, place, value in zip(j, spot, left, strict=True):
        if value != 1.0:
            lost[int(other)].add(int(place))
    return {other: frozenset(places) for other, places in lost.items()}


def _exact_blocks(pivot: int, sets: Sets) -> tuple[tuple[int, ...], ...] | None:
    """Blocks where only what came before the block of −M is swallowed; None where that is not so."""
    blocks: list[tuple[int, ...]] = []
    before: frozenset[int] = frozenset()
    remaining = dict(sets)
    while remaining:
        block = {j for j, lost in remaining.items() if lost == before - {pivot}}
        if not block:
            return None
        blocks.append(tuple(sorted(block | ({pivot} if not blocks else set()))))
        before |= set(blocks[-1])
        remaining = {j: lost for j, lost in remaining.items() if j not in block}
    return tuple(blocks)


def _closed_blocks(pivot: int, sets: Sets) -> tuple[tuple[int, ...], ...]:
    """Blocks as the growth of the sets {pivot, j} ∪ swallowed, which are nested in a chain of blocks."""
    blocks: list[tuple[int, ...]] = []
    before: frozenset[int] = frozenset()
    for closed in sorted({lost | {pivot, j} for j, lost in sets.items()}, key=len):
        new = closed - before
        if new:
            blocks.append(tuple(sorted(new)))
        before |= closed
    return tuple(blocks)


def _evened(blocks: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    """A chain of single products: the first pair, which no experiment can part, as two."""
    if len(blocks) > 1 and len(blocks[0]) == 2 and all(len(block) == 1 for block in blocks[1:]):
        return tuple((k,) for block in blocks for k in block)
    return blocks


def meeting(box: BlackBox) -> tuple[tuple[int, ...], ...]:
    """Blocks of positions that reach one place of c together and not alone: two halves of its last place."""
    span, bits = product_range(box), kept_of_c(box)
    low = max(span.low, 0 if span.low <= 0 <= span.high else span.low)
    c = 2.0 ** (low + bits + 1)
    if c > min(box.c.max, box.d.max):
        return ()
    i, j = np.triu_indices(box.k, 1)
    sign = np.zeros((len(i), box.k))
    sign[np.arange(len(i)), i] = sign[np.arange(len(i)), j] = 1.0
    d = values(box.d, box.ask(products(box, sign, np.full(sign.shape, low), np.full(len(i), c))))
    met = {(int(x), int(y)) for x, y, value in zip(i, j, d, strict=True) if value == c + 2.0 ** (low + 1)}
    blocks: list[list[int]] = []
    for k in range(box.k):
        home = next((block for block in blocks if (block[0], k) in met), None)
        blocks.append([k]) if home is None else home.append(k)
    return tuple(tuple(block) for block in blocks)


def kept_of_c(box: BlackBox) -> int:
    """Fraction bits of c that come out beside products that are all zero."""
    places = np.arange(1, precision_of(box.c))
    if not box.takes_c:
        return precision_of(box.d) - 1
    c = 1.0 + 2.0**-places
    zero = np.zeros((len(places), box.k))
    d = values(box.d, box.ask(products(box, zero, zero.astype(int), c)))
    wrong = np.flatnonzero(d != c)
    return int(places[wrong[0]] - 1 if len(wrong) else places[-1])
