"""How good a format is before it is built: closed forms of its error, published figures, and what is measured.

`qsnr` and `crossover` compare integer with floating-point blocks by the crest factor of the data; `exponent`
integrates the mean squared error over a distribution; `scaling_law` is a proxy for the loss of a trained
model; `measured` is what comes out of data, with the published figures to put beside it; `compare` puts
formats side by side on a tensor; `precision` is the relative error of rounding by magnitude.

>>> from hwsim.formats.analysis import block, crossover
>>> round(crossover(block("mxint4"), block("mxfp4")), 2)
2.04
"""

from hwsim.formats.analysis.compare import Comparison, Crossover, compare_formats, crossovers_of
from hwsim.formats.analysis.crossover import PAIRS, crossover, crossovers
from hwsim.formats.analysis.exponent import (
    CLIPPED_STUDENT_T,
    DISTRIBUTIONS,
    FORMATS,
    GAUSSIAN,
    UNIFORM,
    BestClip,
    Distribution,
    best_clip,
    exponent_table,
    grid,
    mean_squared_error,
)
from hwsim.formats.analysis.measured import (
    CrestFactors,
    Published,
    crest_factor,
    published,
    qsnr_db,
    quantizer_qsnr_db,
)
from hwsim.formats.analysis.precision import (
    Precision,
    precision_by_binade,
    precision_profile,
    relative_error_curve,
)
from hwsim.formats.analysis.qsnr import (
    BLOCKS,
    CONSTANTS,
    Block,
    Constants,
    block,
    ceiling_db,
    float_qsnr_db,
    integer_qsnr_db,
    theoretical_qsnr_db,
)
from hwsim.formats.analysis.scaling_law import Layout, best_layout, critical_tokens, loss

__all__ = [
    "BLOCKS",
    "CLIPPED_STUDENT_T",
    "CONSTANTS",
    "DISTRIBUTIONS",
    "FORMATS",
    "GAUSSIAN",
    "PAIRS",
    "UNIFORM",
    "BestClip",
    "Block",
    "Comparison",
    "Constants",
    "CrestFactors",
    "Crossover",
    "Distribution",
    "Layout",
    "Precision",
    "Published",
    "best_clip",
    "best_layout",
    "block",
    "ceiling_db",
    "compare_formats",
    "crest_factor",
    "critical_tokens",
    "crossover",
    "crossovers",
    "crossovers_of",
    "exponent_table",
    "float_qsnr_db",
    "grid",
    "integer_qsnr_db",
    "loss",
    "mean_squared_error",
    "precision_by_binade",
    "precision_profile",
    "published",
    "qsnr_db",
    "quantizer_qsnr_db",
    "relative_error_curve",
    "theoretical_qsnr_db",
]
