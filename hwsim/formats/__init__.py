"""What a number is: records of formats, their names, and encode / decode / round over arrays.

>>> import hwsim.formats
>>> fmt = hwsim.formats.get("e4m3fn")
>>> codes = fmt.encode([1.0, 500.0], overflow="saturate")
>>> [hex(c) for c in codes], fmt.decode(codes).tolist()
(['0x38', '0x7e'], [1.0, 448.0])
"""

from hwsim.formats.base import Format, Unpacked
from hwsim.formats.fixed import FixedFormat
from hwsim.formats.float import FloatFormat
from hwsim.formats.integer import IntegerFormat
from hwsim.formats.names import FormatName, entries, get, names, register

__all__ = [
    "FixedFormat",
    "FloatFormat",
    "Format",
    "FormatName",
    "IntegerFormat",
    "Unpacked",
    "entries",
    "get",
    "names",
    "register",
]
