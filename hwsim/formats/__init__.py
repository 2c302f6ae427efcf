"""What a number is: records of formats, their names, and encode / decode / round over arrays.

>>> import hwsim.formats
>>> fmt = hwsim.formats.get("e4m3fn")
>>> codes = fmt.encode([1.0, 500.0], overflow="saturate")
>>> [hex(c) for c in codes], fmt.decode(codes).tolist()
(['0x38', '0x7e'], [1.0, 448.0])
"""

from hwsim.formats.base import Format, Unpacked
from hwsim.formats.block_format import BlockFormat, TensorScale
from hwsim.formats.block_tensor import BlockTensor
from hwsim.formats.codebook import CodebookFormat
from hwsim.formats.description import described, load, named_or_described
from hwsim.formats.fixed import FixedFormat
from hwsim.formats.float import FloatFormat
from hwsim.formats.integer import IntegerFormat
from hwsim.formats.logarithmic import LogarithmicFormat
from hwsim.formats.names import FormatName, block, blocks, entries, get, names, register, register_block, scalar
from hwsim.formats.posit import PositFormat
from hwsim.formats.takum import TakumFormat

__all__ = [
    "BlockFormat",
    "BlockTensor",
    "CodebookFormat",
    "FixedFormat",
    "FloatFormat",
    "Format",
    "FormatName",
    "IntegerFormat",
    "LogarithmicFormat",
    "PositFormat",
    "TakumFormat",
    "TensorScale",
    "Unpacked",
    "block",
    "blocks",
    "described",
    "entries",
    "get",
    "load",
    "named_or_described",
    "names",
    "register",
    "register_block",
    "scalar",
]
