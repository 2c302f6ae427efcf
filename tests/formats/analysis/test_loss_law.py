"""The loss proxy of arXiv:2501.02423: best layouts and critical numbers of tokens as the paper has them."""

import math

import pytest

from hwsim.base.errors import InputError
from hwsim.formats.analysis import Layout, best_layout, critical_tokens, loss

BEST = "E1M1 E2M1 E2M2 E3M2 E3M3 E4M3 E4M4 E5M4 E5M5 E6M5 E6M6 E7M6 E7M7 E8M7"
"""For P = 3 to 16."""
BF16, E4M3, E2M1 = Layout(8, 7), Layout(4, 3), Layout(2, 1)


def by_hand(n, d, e, m, b):
    """L(N, D, E, M, B) as the paper has it."""
    data = d**0.5162 / n**0.2368
    penalty = math.log2(b) / (11334.5197 * (e + 0.5) ** 3.1926 * (m + 0.5) ** 2.9543)
    return 69.2343 / n**0.2368 + 68973.0621 / d**0.5162 + 1.9061 + data * penalty


def test_best_layouts():
    assert " ".join("E{}M{}".format(*best_layout(bits)) for bits in range(3, 17)) == BEST
    assert [best_layout(bits).bits for bits in range(2, 40)] == [*range(2, 40)]


@pytest.mark.parametrize("bits", range(3, 17))
def test_no_layout_has_less_loss_than_the_best(bits):
    losses = {Layout(e, bits - 1 - e): loss(1e9, 1e12, Layout(e, bits - 1 - e), 32) for e in range(bits)}
    assert min(losses, key=losses.get) == best_layout(bits)


@pytest.mark.parametrize("arguments", [(1e9, 1e11, 4, 3, 128), (4.1e7, 1e10, 2, 1, 32), (7e10, 2e12, 8, 7, 1)])
def test_the_law(arguments):
    n, d, e, m, b = arguments
    assert loss(n, d, (e, m), b) == pytest.approx(by_hand(*arguments), rel=1e-14)


@pytest.mark.parametrize(("layout", "tera_tokens", "digits"), [(BF16, 1730, -1), (E4M3, 27.3, 1), (E2M1, 0.393, 3)])
def test_critical_tokens(layout, tera_tokens, digits):
    assert round(critical_tokens(1e9, layout, 128) / 1e12, digits) == tera_tokens


@pytest.mark.parametrize("layout", [BF16, E4M3, E2M1])
def test_more_tokens_than_the_critical_number_raise_the_loss(layout):
    critical = critical_tokens(1e9, layout, 128)
    least = by_hand(1e9, critical, *layout, 128)
    for factor in (0.5, 0.9, 1.1, 2.0):
        assert by_hand(1e9, factor * critical, *layout, 128) > least
    assert critical_tokens(1e9, layout, 1) == math.inf


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: best_layout(1), "at least one more, got 1 bits"),
        (lambda: loss(0, 1e9, E4M3, 32), "positive numbers of parameters and tokens, got 0 and 1e"),
        (lambda: critical_tokens(-1.0, E4M3, 32), "positive numbers of parameters"),
        (lambda: loss(1e9, 1e9, (4, -1), 32), r"widths from 0, got 32 and \(4, -1\)"),
        (lambda: loss(1e9, 1e9, E4M3, 0), "a block of 1 or more"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(InputError, match=message):
        make()
