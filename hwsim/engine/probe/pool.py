"""Questions that tell hypotheses apart: large terms that cancel, addends beside small products, ties, chains.

Each family aims at one choice of a sum's arithmetic (Fasi et al., PeerJ CS 7:e330, sections 3.2 to 3.5); significands,
signs and positions are drawn, so that a wrong hypothesis survives none of them for long.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hwsim.engine.probe.black_box import BlackBox, Questions
from hwsim.engine.probe.order import Order
from hwsim.engine.probe.terms import exponents, lowest, precision_of, product_range, products

SPREADS = np.array([0, 2, 5, 12, 25, 40])
"""Binades that the terms of a row are spread over."""


@dataclass
class Pool:
    """Questions by family, with the answers of the unit beside them."""

    questions: dict[str, Questions]
    answers: dict[str, np.ndarray] = field(default_factory=dict)

    def ask(self, box: BlackBox) -> Pool:
        """The same with what ``box`` answers."""
        self.answers = {name: box.ask(questions) for name, questions in self.questions.items()}
        return self

    def __len__(self) -> int:
        return sum(len(questions) for questions in self.questions.values())


class Drawer:
    """Draws rows for one unit; the same seed draws the same rows."""

    def __init__(self, box: BlackBox, order: Order, seed: int) -> None:
        self.box, self.span, self.random = box, product_range(box), np.random.default_rng(seed)
        lanes = order.lanes
        self.blocks = [order.sequence[first : first + lanes] for first in range(0, box.k, lanes)]
        self.fraction_bits = [max(precision_of(f) - 1, 0) for f in (box.a, box.b)]

    def pool(self, rows: int) -> Pool:
        """``rows`` of each family."""
        drawn = {
            "block": self.cancelling(rows, 0.0),
            "spread": self.spread(rows, one_block=True),
            "small addend": self.cancelling(rows, 1.0),
            "large addend": self.large_addend(rows),
            "tied addend": self.tied_addend(rows),
            "chain": self.spread(rows, one_block=False),
        }
        if self.box.scale is not None:
            drawn |= {f"scaled {name}": self._scaled(drawn[name]) for name in ("block", "large addend", "chain")}
            drawn["scaled groups"] = self._scaled_groups(rows)
        return Pool(drawn)

    def tiny(self, rows: int) -> Pool:
        """Sums at the lower end of d's range, whose zero addend or zero products may set the alignment."""
        return Pool({"tiny": self._tiny(rows), "lowest": self._lowest(), "subnormal": self._subnormal(rows)})

    def overflowing(self, rows: int) -> Pool:
        """Sums and products at and beyond d's largest number."""
        return Pool({"overflow": self._overflow(rows)})

    # Families -----------------------------------------------------------------------------------

    def cancelling(self, rows: int, addend: float) -> Questions:
        """±M in one block with a few smaller terms, and with c among them with probability ``addend``."""
        sign, exponent = self._empty(rows)
        random, most = self.random, min(self.span.most, exponents(self.box.d)[1] - 2)
        fraction = self._fractions(sign.shape)
        c = np.zeros(rows)
        for row in range(rows):
            places = random.permutation(self.blocks[random.integers(len(self.blocks)) if random.random() < 0.4 else 0])
            top = most - min(int(random.choice([0, 0, 1, 2, 3])), max(most - self.span.low, 0))
            small = places[2 : 2 + random.integers(1, 5)]
            sign[row, places[:2]] = random.permutation([1.0, -1.0])[: len(places[:2])]
            exponent[row, places[:2]] = top
            for each in fraction:
                each[row, places[:2]] = each[row, places[0]]
            sign[row, small] = random.choice([-1.0, 1.0], len(small))
            exponent[row, small] = top - random.integers(0, max(top - self.span.low, 0) + 1, len(small))
            if random.random() < addend:
                c[row] = random.choice([-1.0, 1.0]) * 2.0 ** (top - random.integers(0, 60)) * (1 + random.random())
                sign[row, small] *= random.random() < 0.5
        return products(self.box, sign, exponent, self._in_range(c), fraction)

    def spread(self, rows: int, one_block: bool) -> Questions:
        """Terms over a few binades or many; of one block with c = 0, or of several with c now and then."""
        sign, exponent = self._empty(rows)
        random, (low, high) = self.random, (self.span.low, self.span.high)
        c = np.zeros(rows)
        for row in range(rows):
            block = self.blocks[random.integers(len(self.blocks))]
            places = np.array(block) if one_block else np.arange(self.box.k)
            places = places[random.random(len(places)) < random.choice([0.3, 1.0])]
            spread = min(int(random.choice(SPREADS)), high - low)
            first = random.integers(low, high - spread + 1)
            sign[row, places] = random.choice([-1.0, 1.0], len(places))
            exponent[row, places] = random.integers(first, first + spread + 1, len(places))
            if not one_block and random.random() < 0.7:
                c[row] = random.choice([-1.0, 1.0]) * 2.0 ** random.integers(first, first + spread + 1)
                c[row] *= 1 + random.random()
        return products(self.box, sign, exponent, self._in_range(c), self._fractions(sign.shape))

    def large_addend(self, rows: int) -> Questions:
        """c beside products at and below its last places, of one sign or of both."""
        sign, exponent = self._empty(rows)
        random, bits = self.random, precision_of(self.box.d)
        c = np.zeros(rows)
        for row in range(rows):
            places = self.random.permutation(self.blocks[0])[: random.integers(1, len(self.blocks[0]) + 1)]
            low, high = self.span.low, self.span.high
            near = int(np.clip(random.integers(low, high + 1), low, high))
            c[row] = random.choice([-1.0, 1.0]) * 2.0 ** (near + bits + random.integers(-3, 10))
            c[row] *= 1 + random.random() if random.random() < 0.7 else 1.0
            one = random.random() < 0.5
            sign[row, places] = random.choice([-1.0, 1.0], 1 if one else len(places))
            exponent[row, places] = np.clip(near + random.integers(-2, 3, len(places)), low, high)
        return products(self.box, sign, exponent, self._in_range(c), self._fractions(sign.shape))

    def tied_addend(self, rows: int) -> Questions:
        """c, half of its last place, and a term far below that breaks the tie or is cut."""
        sign, exponent = self._empty(rows)
        random, bits = self.random, precision_of(self.box.d)
        c = np.zeros(rows)
        for row in range(rows):
            places = self.random.permutation(self.blocks[0])[:3]
            near = int(random.integers(self.span.low, self.span.high + 1))
            c[row] = random.choice([-1.0, 1.0]) * 2.0 ** (near + bits)
            c[row] += random.integers(0, 4) * 2.0 ** (near + 1)
            sign[row, places] = random.choice([-1.0, 1.0], len(places))
            exponent[row, places] = np.clip(near - random.integers(0, 28, len(places)), self.span.low, self.span.high)
            exponent[row, places[0]] = near - random.integers(0, 2) if near > self.span.low else near
        return products(self.box, sign, exponent, self._in_range(c))

    def _tiny(self, rows: int) -> Questions:
        sign, exponent = self._empty(rows)
        random, low = self.random, self.span.least
        high = max(low, min(exponents(self.box.d)[0] + 3, self.span.high))
        c = np.zeros(rows)
        for row in range(rows):
            places = random.permutation(self.blocks[0])[: random.integers(1, 4)]
            last = exponents(self.box.d)[0] - precision_of(self.box.d) + 1
            sign[row, places] = random.choice([-1.0, 1.0], len(places))
            exponent[row, places] = np.clip(last + random.integers(-14, 12, len(places)), low, high)
        return products(self.box, sign, exponent, c, self._fractions(sign.shape))

    def _overflow(self, rows: int) -> Questions:
        sign, exponent = self._empty(rows)
        random, top = self.random, exponents(self.box.d)[1]
        most = sum(exponents(f)[1] for f in (self.box.a, self.box.b))
        for row in range(rows):
            places = random.permutation(self.blocks[0])[: random.integers(1, 4)]
            sign[row, places] = random.choice([-1.0, 1.0], len(places))
            exponent[row, places] = np.minimum(top + random.integers(-3, 4, len(places)), most)
        c = random.choice([-1.0, 0.0, 1.0], rows) * self.box.d.max * random.choice([0.5, 1.0], rows)
        limit = self.box.c.max
        c = np.clip(c, -limit, limit) if self.box.takes_c else np.zeros(rows)
        return products(self.box, sign, exponent, c, self._fractions(sign.shape))

    def _lowest(self) -> Questions:
        """d's last place, half of it, or both, with a power of two far below: the zero terms decide if it is cut."""
        last = lowest(self.box.d)
        least = max(lowest(self.box.a) + lowest(self.box.b), last - 48)
        rows = []
        for base in ((last,), (last, last - 1), (last - 1,)):
            for small in range(last - 2, least - 1, -1):
                rows += [((*base, small), (*[one] * len(base), other)) for one in (1, -1) for other in (1, -1)]
        rows = [row for row in rows if len(row[0]) <= len(self.blocks[0])] or [((last,), (1,))]
        sign, exponent = self._empty(len(rows))
        for row, (powers, signs) in enumerate(rows):
            places = list(self.blocks[0][: len(powers)])
            exponent[row, places], sign[row, places] = powers, signs
        return products(self.box, sign, exponent, np.zeros(len(rows)), subnormal=True)

    def _subnormal(self, rows: int) -> Questions:
        """Any finite operands, half of them subnormal, in one block."""
        drawn = []
        for f in (self.box.a, self.box.b):
            values = self.random.integers(0, 1 << (f.bits - 1), (rows, self.box.k)).astype(np.uint64)
            low = self.random.random(values.shape) < 0.5
            values[low] &= np.uint64((1 << (precision_of(f) - 1)) - 1)
            values |= self.random.integers(0, 2, values.shape).astype(np.uint64) << np.uint64(f.bits - 1)
            decoded = np.asarray(f.decode(values.astype(f.code_dtype)), np.float64)
            decoded[~np.isfinite(decoded)] = 0.0
            decoded[np.abs(decoded) > 2.0**50] = 1.0
            drawn.append(decoded)
        outside = np.ones(self.box.k, bool)
        outside[list(self.blocks[0])] = False
        drawn[0][:, outside] = 0.0
        c = self.random.choice([0.0, 1.0], rows) * self.random.normal(0, 1, rows)
        c *= 2.0 ** self.random.integers(self.span.low, self.span.high + 1, rows)
        return self.box.questions(drawn[0], drawn[1], self._in_range(c))

    # Details ------------------------------------------------------------------------------------

    def _scaled(self, questions: Questions) -> Questions:
        """The same with scales drawn over a few binades or many."""
        assert self.box.scale is not None
        shape = (len(questions), -(-self.box.k // self.box.scale_block))
        spread = self.random.choice([1, 4, 12], (len(questions), 1))
        pair = []
        for _ in range(2):
            exponent = np.rint(self.random.uniform(-1, 1, shape) * spread)
            value = 2.0 ** np.clip(exponent, *exponents(self.box.scale)) * (1 + self.random.random(shape))
            pair.append(self.box.scale.encode(value, "rz", "saturate"))
        return Questions(questions.a, questions.b, questions.c, *pair)

    def _scaled_groups(self, rows: int) -> Questions:
        """±M under one pair of scales, smaller terms under much smaller ones."""
        assert self.box.scale is not None
        sign, exponent = self._empty(rows)
        random, block = self.random, self.box.scale_block
        groups = -(-self.box.k // block)
        low, high = exponents(self.box.scale)
        low, high = max(low, -30), min(high, 30)
        scale = np.full((2, rows, groups), float(low))
        c = np.zeros(rows)
        for row in range(rows):
            large = random.integers(groups)
            scale[:, row] = random.integers(low, high + 1, (2, 1)) - random.integers(0, 3, (2, groups))
            scale[:, row, large] = high - random.integers(0, 3, 2)
            places = large * block + random.permutation(block)[:2]
            sign[row, places] = (1.0, -1.0)
            exponent[row, places] = random.integers(self.span.low, self.span.high + 1)
            others = random.permutation(self.box.k)[:6]
            others = others[others // block != large]
            sign[row, others] = random.choice([-1.0, 1.0], len(others))
            exponent[row, others] = random.integers(self.span.low, self.span.high + 1, len(others))
            if random.random() < 0.5:
                c[row] = random.choice([-1.0, 1.0]) * 2.0 ** (2 * high - random.integers(0, 50)) * (1 + random.random())
        fraction = 1 + 0.5 * random.integers(0, 2, scale.shape)
        left, right = np.ldexp(fraction, np.clip(scale, low, high).astype(int))
        codes = [self.box.scale.encode(x, "rz", "saturate") for x in (left, right)]
        plain = products(self.box, sign, exponent, self._in_range(c))
        return Questions(plain.a, plain.b, plain.c, *codes)

    def _empty(self, rows: int) -> tuple[np.ndarray, np.ndarray]:
        shape = (rows, self.box.k)
        return np.zeros(shape), np.full(shape, self.span.low)

    def _fractions(self, shape: tuple[int, int]) -> list[np.ndarray]:
        """Fractions of significands: all ones, none, or drawn."""
        made = []
        for bits in self.fraction_bits:
            drawn = self.random.integers(0, 1 << min(bits, 52), shape)
            style = self.random.random((shape[0], 1))
            drawn = np.where(style < 0.15, 0, np.where(style > 0.85, (1 << min(bits, 52)) - 1, drawn))
            made.append(np.ldexp(drawn.astype(np.float64), -bits))
        return made

    def _in_range(self, c: np.ndarray) -> np.ndarray:
        """c within half of the ranges of c and d; 0 where a unit takes none."""
        top = min(self.box.c.max, self.box.d.max) / 2
        return np.clip(c, -top, top) if self.box.takes_c else np.zeros_like(c)
