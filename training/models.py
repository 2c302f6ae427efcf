"""The two networks, with the tensor names that the workload files use."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class DigitsCnn(nn.Module):
    """Two 3x3 convolutions with ReLU, one 2x2 max pooling, one linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc = nn.Linear(32 * 4 * 4, 10)

    def forward(self, images: Tensor) -> Tensor:
        hidden = functional.relu(self.conv2(functional.relu(self.conv1(images))))
        # Dropout is a training aid; in evaluation it is the identity and no operator of the workload.
        pooled = functional.dropout(functional.max_pool2d(hidden, 2).flatten(1), 0.25, self.training)
        return self.fc(pooled)


class Layer(nn.Module):
    """A pre-norm transformer layer: x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        batch, length, width = tokens.shape
        # The qkv projection's outputs are ordered [q, k, v][head][channel].
        parts = self.qkv(self.norm1(tokens)).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        scores = (query @ key.transpose(-1, -2)) * (width // self.heads) ** -0.5
        context = (scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, length, width)
        tokens = tokens + self.out(context)
        return tokens + self.down(functional.gelu(self.up(self.norm2(tokens)), approximate="tanh"))


class DigitsVit(nn.Module):
    """A vision transformer on 16 patches of 2x2 pixels: 48 channels, 2 layers, 4 heads, mean pooling."""

    def __init__(self, width: int = 48, layers: int = 2, heads: int = 4) -> None:
        super().__init__()
        self.patch = nn.Conv2d(1, width, 2, stride=2)
        self.position = nn.Parameter(torch.randn(16, width) * 0.02)
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 10)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.patch(images).flatten(2).transpose(1, 2) + self.position
        for layer in self.layers:
            tokens = layer(tokens)
        return self.head(self.norm(tokens).mean(1))
