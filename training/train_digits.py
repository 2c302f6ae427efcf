"""Train the two digit networks and write the tensors that the workloads read.

    pip install 'hwsim[train]'
    python training/train_digits.py

writes ``workloads/digits_{cnn,vit}.safetensors``, ``digits_{test,calibration}.npz`` and, for the tests,
the first logits that torch computes. One thread and fixed seeds, so that one machine gives the same
bits twice; the accuracy is that of the last epoch (the test images choose nothing).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from digits import Split, load_splits
from models import DigitsCnn, DigitsVit
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

ROOT = Path(__file__).resolve().parent.parent
SEED = 0
BATCH = 64
LOGITS = 8  # test images whose logits are kept for the tests


def main() -> None:
    """Train both networks, print their test accuracy, write every file."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--output", type=Path, default=ROOT / "workloads")
    arguments.add_argument("--logits", type=Path, default=ROOT / "tests" / "data" / "workload" / "digits_logits.npz")
    options = arguments.parse_args()
    for folder in (options.output, options.logits.parent):
        folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    splits = load_splits()
    for name in ("calibration", "test"):
        np.savez_compressed(
            options.output / f"digits_{name}.npz", images=splits[name].images, labels=splits[name].labels
        )
    logits = {}
    for name, build, epochs in (("cnn", DigitsCnn, 60), ("vit", DigitsVit, 200)):
        torch.manual_seed(SEED)
        model = train(build(), splits["train"], epochs)
        outputs = evaluate(model, splits["test"])
        accuracy = count_correct(outputs, splits["test"])
        print(f"digits_{name}: {accuracy} test images right")
        tensors = {key: value.contiguous() for key, value in model.state_dict().items()}
        path = options.output / f"digits_{name}.safetensors"
        save_file(tensors, path, {"test_accuracy": accuracy})
        path.chmod(0o644)  # the writer makes files that only their owner can read
        logits[name] = outputs[:LOGITS].numpy()
    np.savez(options.logits, **logits)


def train(model: nn.Module, split: Split, epochs: int) -> nn.Module:
    """AdamW with a one-cycle learning rate on images shifted and rotated a little."""
    images, labels = torch.from_numpy(split.images), torch.from_numpy(split.labels)
    steps = -(-len(labels) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=epochs * steps)
    model.train()
    for _ in range(epochs):
        for index in torch.randperm(len(labels)).split(BATCH):
            loss = functional.cross_entropy(model(distort(images[index])), labels[index], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def distort(images: Tensor) -> Tensor:
    """Rotate by up to 10 degrees, scale by up to 10 % and shift by up to three quarters of a pixel."""
    count = len(images)
    angle = (torch.rand(count) * 2 - 1) * (10 * torch.pi / 180)
    scale = 1 + (torch.rand(count) * 2 - 1) * 0.1
    shift = (torch.rand(count, 2) * 2 - 1) * (0.75 * 2 / 8)  # an image spans [-1, 1], a pixel 2/8
    rows = (scale * angle.cos(), -scale * angle.sin(), scale * angle.sin(), scale * angle.cos())
    turn = torch.stack(rows, 1).view(count, 2, 2)
    grid = functional.affine_grid(torch.cat([turn, shift[:, :, None]], 2), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def evaluate(model: nn.Module, split: Split) -> Tensor:
    """Logits [N, 10] of every image."""
    with torch.inference_mode():
        return model(torch.from_numpy(split.images))


def count_correct(logits: Tensor, split: Split) -> str:
    """``right/total``."""
    right = int((logits.argmax(1).numpy() == split.labels).sum())
    return f"{right}/{len(split.labels)}"


if __name__ == "__main__":
    main()
