"""Shipped orders of GEMMs, and changes behind their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwsim.arch.gemm_orders import gemm_order, names
from hwsim.arch.matrix_units import mma
from hwsim.base.errors import InputError
from hwsim.cli.check import check_file
from hwsim.formats import get


@pytest.mark.parametrize("name", names())
def test_every_shipped_order_says_where_it_is_from(name: str) -> None:
    order = gemm_order(name)
    assert order.name == name and order.description and order.evidence.source
    assert order.result_format(mma("hopper.wgmma", a="e4m3fn", d="fp32")) == get("bf16")


@pytest.mark.parametrize("name", names())
def test_hwsim_check_knows_orders(name: str) -> None:
    assert check_file(name) == ("gemm_orders", name)


def test_the_rules_of_cublaslt() -> None:
    """RTX 4060: 64-wide k-tiles, interleaved, slow restarts every 2; H100: 128-wide, contiguous, one chain a tile."""
    expected = {
        "cublaslt_rtx4060_fast": (64, "interleaved", None),
        "cublaslt_rtx4060_slow": (64, "interleaved", 2 * 64),
        "cublaslt_h100_fast": (128, "contiguous", None),
        "cublaslt_h100_slow": (128, "contiguous", 128),
    }
    for name, rule in expected.items():
        order = gemm_order(name)
        assert (order.tile.k, order.split, order.promote_every) == rule
        assert order.combine == "serial"


def test_changes_behind_a_name() -> None:
    order = gemm_order("cublaslt_rtx4060_slow,split_k=4,combine=pairwise,epilogue.output=e4m3fn,tile.k=128")
    assert (order.split_k, order.combine, order.tile.k, order.tile.m) == (4, "pairwise", 128, 128)
    assert order.epilogue is not None and order.epilogue.output == get("e4m3fn")
    assert order.name.startswith("cublaslt_rtx4060_slow,split_k=4")
    assert order.evidence.grade == "assumed"
    table = gemm_order("fill_sms_h100,tiling.table=[{m_up_to: 8, split_k: 3}, {split_k: 1}]")
    assert table.at(8, 64, 4096).split_k == 3 and table.at(9, 64, 4096).split_k == 1
    assert gemm_order("single_chain,epilogue=null").epilogue is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cublaslt_h100", "did you mean 'cublaslt_h100_"),
        ("single_chain,split_k=0", "split_k"),
        ("single_chain,splitk=2", "split_k"),
        ("single_chain,split_k=[", "no YAML value"),
        ("single_chain,workspace=bf61", "bf16"),
        ("stream_k_a100,split_k=2", "leave out split_k"),
    ],
)
def test_bad_orders_get_one_line(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        gemm_order(text)
    assert "\n" not in str(caught.value)


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("tile: {k: 32}\nsplit_k: 2\n")
    assert gemm_order(str(path)).split_k == 2
    path.write_text("tile: {k: 32}\nsplit: diagonal\n")
    with pytest.raises(InputError, match=r"mine\.yaml:2:8"):
        gemm_order(str(path))
