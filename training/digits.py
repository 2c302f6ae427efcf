"""The data set: scikit-learn's handwritten digits, split once and for all into train, calibration and test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SPLIT_SEED = 0
TEST_IMAGES = 360  # 20 % of 1797, the same share of every digit
CALIBRATION_IMAGES = 128
LARGEST_GREY = 16.0  # the images hold counts of set pixels in 4x4 blocks, 0 to 16


@dataclass(frozen=True)
class Split:
    """Images [N, 1, 8, 8], float32 in steps of 1/16 from 0 to 1, and labels [N], int64."""

    images: np.ndarray
    labels: np.ndarray


def load_splits() -> dict[str, Split]:
    """``train`` (1437 images), ``calibration`` (128 of the training images) and ``test`` (360 others)."""
    digits = load_digits()
    images = (digits.images / LARGEST_GREY).astype(np.float32)[:, None]
    labels = digits.target.astype(np.int64)
    train, test = _stratified(np.arange(len(labels)), labels, TEST_IMAGES)
    _, calibration = _stratified(train, labels[train], CALIBRATION_IMAGES)
    chosen = {"train": train, "calibration": calibration, "test": test}
    return {name: Split(images[index], labels[index]) for name, index in chosen.items()}


def _stratified(index: np.ndarray, labels: np.ndarray, held_out: int) -> tuple[np.ndarray, np.ndarray]:
    kept, held = train_test_split(index, test_size=held_out, stratify=labels, random_state=SPLIT_SEED)
    return np.sort(kept), np.sort(held)
