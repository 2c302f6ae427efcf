"""Mixed precision: which channels are wide, what each quantizer sees, and the average bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.base.errors import InputError
from hwsim.formats.schemes import Precision, quantize_mixed, wide_channels

LOW, HIGH = Precision(lambda x: x // 16 * 16, 4), Precision(lambda x: x // 2 * 2, 8)


@given(st.lists(st.integers(0, 100), min_size=8, max_size=8), st.integers(0, 8), st.sampled_from([1, 2, 4]))
def test_the_largest_channels_are_wide(values, count, block):
    wide = wide_channels(values, count / 8, block=block)
    filled = -(-count // block) * block
    ranked = sorted(range(8), key=lambda c: (-values[c], c))
    assert np.flatnonzero(wide).tolist() == sorted(ranked[:filled])


@pytest.mark.parametrize("axis", [0, 1])
@given(x=st.lists(st.integers(-100, 100), min_size=24, max_size=24))
def test_each_channel_is_quantized_by_its_own(axis, x):
    values = np.array(x).reshape(4, 6)
    mixed = quantize_mixed(values, LOW, HIGH, 0.3, axis)
    for channel, is_wide in enumerate(mixed.wide):
        source = values.take(channel, axis).tolist()
        step = 2 if is_wide else 16
        assert mixed.reconstruction.take(channel, axis).tolist() == [v // step * step for v in source]
    assert mixed.wide.sum() == 2  # ⌈0.3·6⌉ and ⌈0.3·4⌉
    assert mixed.order.tolist() == [*np.flatnonzero(mixed.wide), *np.flatnonzero(~mixed.wide)]


def test_blocks_hold_one_precision_and_the_average_counts_all_channels():
    """Of 256 channels with 3 outliers, COMET's blocks of 128 put half of them in 8 bits."""
    x = np.ones(256, np.int64)
    x[[5, 130, 200]] = 1000
    seen = []
    spy = [Precision(lambda part, b=b: seen.append((b, part.tolist())) or part, b) for b in (4, 8)]
    mixed = quantize_mixed(x, *spy, fraction=3 / 256, block=128)
    assert [(bits, len(part)) for bits, part in seen] == [(8, 128), (4, 128)]
    assert [v for _, part in seen for v in part].count(1000) == 3 and 1000 not in seen[1][1]
    assert mixed.bits_per_value == 6
    assert mixed.reconstruction.tolist() == x.tolist()
    assert quantize_mixed(x, *spy, fraction=1 / 8).bits_per_value == 4.5  # ResQ's eighth


@pytest.mark.parametrize(("fraction", "bits"), [(0.0, 4), (1.0, 8)])
def test_all_or_none(fraction, bits):
    x = np.arange(10)
    mixed = quantize_mixed(x, LOW, HIGH, fraction)
    assert mixed.bits_per_value == bits
    assert mixed.reconstruction.tolist() == (x // (2 if bits == 8 else 16) * (2 if bits == 8 else 16)).tolist()


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: wide_channels([1.0, 2.0], 1.5), "from 0 to 1"),
        (lambda: wide_channels([1.0, 2.0, 3.0], 0.5, block=2), "do not divide"),
        (lambda: wide_channels([1.0, 2.0], 0.5, block=0), "do not divide"),
        (lambda: quantize_mixed([1.0], LOW, HIGH, axis=1), "does not exist"),
    ],
)
def test_bad_input_gets_one_line(call, line):
    with pytest.raises(InputError, match=line) as error:
        call()
    assert "\n" not in str(error.value)
