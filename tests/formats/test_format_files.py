"""Files are rounded part by part to the bits of one call, in little memory, and appear whole or not at all."""

import subprocess
import sys

import numpy as np
import pytest

from hwsim.base.errors import InputError
from hwsim.formats import files, get
from hwsim.formats.files import round_file


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(files, "PART", 1000)


@pytest.mark.parametrize("rounding", ["rne", "rd", "stochastic"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parts_are_the_whole(tmp_path, small_parts, rounding, dtype):
    x = np.random.default_rng(0).standard_normal((7, 13, 101)).astype(dtype)
    np.save(tmp_path / "x.npy", x)
    for name in ("e4m3fn", "posit16_1", "int8"):
        fmt, seen = get(name), []
        round_file(
            tmp_path / "x.npy",
            tmp_path / "y.npy",
            fmt,
            rounding,
            seed=3,
            progress=lambda *at, seen=seen: seen.append(at),
        )
        expected = fmt.round(x, rounding, seed=3)
        y = np.load(tmp_path / "y.npy")
        assert y.dtype == expected.dtype and seen[-1] == (x.size, x.size) and len(seen) == 10
        np.testing.assert_array_equal(y, expected)
        round_file(tmp_path / "x.npy", tmp_path / "c.npy", fmt, rounding, seed=3, give="codes")
        np.testing.assert_array_equal(np.load(tmp_path / "c.npy"), fmt.encode(x, rounding, seed=3))


def test_nothing_half_written(tmp_path, small_parts):
    x = np.ones(5000, np.float32)
    x[4500] = np.nan
    np.save(tmp_path / "x.npy", x)
    with pytest.raises(InputError, match="has no NaN"):
        round_file(tmp_path / "x.npy", tmp_path / "y.npy", get("int8"))
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


def test_refuses_what_is_no_array(tmp_path):
    np.save(tmp_path / "i.npy", np.arange(4))
    np.save(tmp_path / "f.npy", np.asfortranarray(np.ones((3, 4))))
    (tmp_path / "text.npy").write_text("no")
    np.save(tmp_path / "x.npy", np.ones(4))
    for name, message in (("i", "got int64"), ("f", "C order"), ("text", "not a numpy array"), ("none", "not a numpy")):
        with pytest.raises(InputError, match=message):
            round_file(tmp_path / f"{name}.npy", tmp_path / "y.npy", get("fp16"))
    with pytest.raises(InputError, match="written over"):
        round_file(tmp_path / "x.npy", tmp_path / "x.npy", get("fp16"))


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is counted as Linux counts it")
def test_memory_does_not_grow_with_the_file(tmp_path):
    """1 GiB of float32 under a limit of less than that on what the process may allocate."""
    size = 1 << 28
    mapped = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (size,))
    mapped[:: 1 << 20] = 1.1
    del mapped
    code = (
        "import sys; from hwsim.formats import get; from hwsim.formats.files import round_file\n"
        "get('e4m3fn').encode([1.0]); get('e4m3fn').round(__import__('numpy').ones(4, 'f4'))\n"
        "import resource; before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "round_file(sys.argv[1], sys.argv[2], get('e4m3fn'), give='codes')\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "x.npy", tmp_path / "y.npy"], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 200 * 1024  # KiB; the file has 1 GiB
    codes = np.load(tmp_path / "y.npy", mmap_mode="r")
    assert codes.shape == (size,) and codes[1 << 20] == get("e4m3fn").encode(1.1)
