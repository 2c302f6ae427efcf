"""Schemes around number formats: what a tensor, a pair of values or a memory does with the codes of a format.

Each file is one scheme: `olive` (outlier–victim pairs), `residual` (expansion into quantized residuals), `mixed`
(channels in two precisions), `rearrange` (channels sorted before block quantization), `hadamard` (random rotations),
`multiword` (sums of narrow floats, on `round_once`), `faults` (bit errors, on `randomness`), `entropy` (lossless
coding of fields). They use the public verbs of formats only.
"""

from hwsim.formats.schemes.entropy import CodeEntropy, code_entropy, shannon_entropy, tensor_entropy
from hwsim.formats.schemes.faults import (
    MultiLevelCell,
    back_up_sign,
    cell_states,
    disturb_cells,
    flip_bits,
    restore_sign,
)
from hwsim.formats.schemes.hadamard import HadamardRotation, hadamard_transform, rotate_operands, walsh_hadamard
from hwsim.formats.schemes.mixed import Mixed, Precision, quantize_mixed, wide_channels
from hwsim.formats.schemes.multiword import (
    MultiFloat,
    add_pairs,
    fast_two_sum,
    grow,
    multiply_pairs,
    two_product,
    two_sum,
)
from hwsim.formats.schemes.olive import OLIVE4, OLIVE8, OliveScheme, PairStatistics
from hwsim.formats.schemes.rearrange import (
    Rearrangement,
    channel_order,
    inverse_order,
    rearrange,
    rearrange_operands,
    reconstruct_rearranged,
)
from hwsim.formats.schemes.residual import Level, ResidualExpansion, expand

__all__ = [
    "OLIVE4",
    "OLIVE8",
    "CodeEntropy",
    "HadamardRotation",
    "Level",
    "Mixed",
    "MultiFloat",
    "MultiLevelCell",
    "OliveScheme",
    "PairStatistics",
    "Precision",
    "Rearrangement",
    "ResidualExpansion",
    "add_pairs",
    "back_up_sign",
    "cell_states",
    "channel_order",
    "code_entropy",
    "disturb_cells",
    "expand",
    "fast_two_sum",
    "flip_bits",
    "grow",
    "hadamard_transform",
    "inverse_order",
    "multiply_pairs",
    "quantize_mixed",
    "rearrange",
    "rearrange_operands",
    "reconstruct_rearranged",
    "restore_sign",
    "rotate_operands",
    "shannon_entropy",
    "tensor_entropy",
    "two_product",
    "two_sum",
    "walsh_hadamard",
    "wide_channels",
]
