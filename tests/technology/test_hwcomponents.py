"""SRAM from hwcomponents-cacti: through stand-ins of both answers it may give, and the real one where installed."""

import sys
import types

import pytest

from hwsim import technology
from hwsim.arch import Architecture
from hwsim.base.errors import HwsimError
from hwsim.technology import hwcomponents
from hwsim.technology.hwcomponents import with_hwcomponents


class Sram:
    """1 fJ per bit and word read, 2 written; a square micron per bit."""

    def __init__(self, tech_node, width, depth):
        if width == 13:
            raise ValueError("odd\nwidth")
        self.node, self.width, self.depth = tech_node, width, depth
        self.area = width * depth * 1e-12

    def read(self):
        return self.width * self.depth * 1e-15

    def write(self):
        return 2 * self.read()


class SramWithLatency(Sram):
    def read(self):
        return self.width * self.depth * 1e-15, 1e-9

    def write(self):
        return 2 * self.width * self.depth * 1e-15, 1e-9


@pytest.fixture(autouse=True)
def _forget():
    hwcomponents._ask.cache_clear()
    yield
    hwcomponents._ask.cache_clear()


@pytest.mark.parametrize("model", [Sram, SramWithLatency])
def test_width_and_words_are_asked_for(monkeypatch, model):
    monkeypatch.setitem(sys.modules, "hwcomponents_cacti", types.SimpleNamespace(SRAM=model))
    tech = with_hwcomponents(technology.get("45nm"))
    cost = tech.sram(1024, 8)
    assert (cost.read_j, cost.write_j) == pytest.approx((8192e-15, 16384e-15))
    assert cost.area_m2 == pytest.approx(8192e-12)
    assert (cost.source, cost.status) == ("CACTI through hwcomponents-cacti, 45 nm", "measured")
    assert "SRAM: CACTI through hwcomponents-cacti" in tech.rule
    assert tech.prices == technology.get("45nm").prices


def test_what_it_raises_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "hwcomponents_cacti", types.SimpleNamespace(SRAM=Sram))
    with pytest.raises(HwsimError, match="8 words of 13 bits at 45 nm: odd width"):
        hwcomponents._ask(45, 13, 8)


def test_without_the_package_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "hwcomponents_cacti", None)
    array = Architecture.load("systolic_int8_ws_32x32").override({"technology.source": "hwcomponents"})
    with pytest.raises(HwsimError, match=r"pip install 'hwsim\[hwcomponents\]'"):
        _ = array.prices


def test_the_real_one():
    pytest.importorskip("hwcomponents_cacti")
    own = technology.get("45nm")
    assert with_hwcomponents(own).sram(1 << 16, 8).read_j == pytest.approx(own.sram(1 << 16, 8).read_j, rel=0.5)
