"""How products become a sum: operands x multiplier x reduction x accumulator x output, in one record."""

from hwsim.datapath.datapath import Datapath
from hwsim.datapath.operands import Operands, Output
from hwsim.datapath.result import MatmulResult

__all__ = ["Datapath", "MatmulResult", "Operands", "Output"]
