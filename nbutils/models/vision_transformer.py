"""A small vision transformer (Dosovitskiy et al. 2021) over faces."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nbutils.errors import ParameterError
from nbutils.models.base import FaceNetwork, Outputs

#: Hidden neurons of a block's perceptron for each of the width, as in the paper.
EXPANSION = 4


class VisionTransformer(FaceNetwork):
    """Patches as tokens, blocks of self-attention with layer norm before each part, a linear classifier.

    As Dosovitskiy et al. 2021, but for the size: 4 blocks of 128 instead of 12 of 768, without dropout. The features
    are the class token after the last layer norm, or the mean of the patches' tokens. Where patches do not divide the
    image, it is padded evenly on both sides with middle grey.

    Weights of the blocks and positions start from normal numbers of standard deviation 0.02, cut off at twice that,
    biases and the class token from 0; the patches' projection and the classifier as in torch. This is ours: the
    paper trains on hundreds of times as many images.

    Args:
        num_classes: Identities of the training set, or neurons to regress.
        depth: Blocks.
        width: Neurons of a token, and features.
        heads: Of the attention; they divide the width.
        patch: Side of a patch, in pixels.
        pooling: "class": a token of its own; "mean": of all patches.
        height: Of the input, in pixels.
        breadth: Width of the input, in pixels.

    Raises:
        ParameterError: If the heads do not divide the width, a number is below 1, or the pooling is unknown.

    Example:
        >>> import torch
        >>> network = VisionTransformer(10, depth=2, width=32, heads=2)
        >>> {name: tuple(value.shape) for name, value in network(torch.zeros(2, 3, 55, 47)).items()}
        {'features': (2, 32), 'output': (2, 10)}
    """

    heads = ("classifier",)

    def __init__(
        self,
        num_classes: int = 12294,
        depth: int = 4,
        width: int = 128,
        heads: int = 4,
        patch: int = 8,
        pooling: Literal["class", "mean"] = "class",
        height: int = 55,
        breadth: int = 47,
    ) -> None:
        super().__init__()
        for name, value in (("depth", depth), ("heads", heads), ("patch", patch)):
            if value < 1:
                raise ParameterError(f"{name} is {value}: expected at least 1")
        if width < 1 or width % heads:
            raise ParameterError(f"width is {width}: expected a multiple of the {heads} heads")
        if pooling not in ("class", "mean"):
            raise ParameterError(f"pooling is {pooling!r}: expected 'class' or 'mean'")
        self.input_size = (height, breadth)
        self.num_features = width
        rows, columns = -(-height // patch), -(-breadth // patch)
        down, across = rows * patch - height, columns * patch - breadth
        self._margins = (across // 2, across - across // 2, down // 2, down - down // 2)
        self.patches = nn.Conv2d(3, width, patch, stride=patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width)) if pooling == "class" else None
        self.positions = nn.Parameter(torch.empty(1, rows * columns + (pooling == "class"), width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.classifier = nn.Linear(width, num_classes)
        self._initialise()

    def forward(self, images: Tensor) -> Outputs:
        """Maps (B, 3, H, W) images in [−1, 1] to (B, width) features and the logits."""
        tokens = self.patches(F.pad(images, self._margins)).flatten(2).transpose(1, 2)
        if self.class_token is not None:
            first = self.class_token.expand(tokens.shape[0], -1, -1)  # len() would fix the batch of an exported file
            tokens = torch.cat([first, tokens], dim=1)
        tokens = self.norm(self.blocks(tokens + self.positions))
        features = tokens.mean(dim=1) if self.class_token is None else tokens[:, 0]
        return Outputs(features=features, output=self.output_from(features))

    def output_from(self, features: Tensor) -> Tensor:
        """The logits of (B, width) features."""
        logits: Tensor = self.classifier(features)
        return logits

    def _initialise(self) -> None:
        nn.init.trunc_normal_(self.positions, std=0.02, a=-0.04, b=0.04)
        for module in self.blocks.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02, a=-0.04, b=0.04)
                nn.init.zeros_(module.bias)


class Block(nn.Module):
    """x + attention(norm(x)), then x + perceptron(norm(x))."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attention = SelfAttention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.perceptron = nn.Sequential(
            nn.Linear(width, EXPANSION * width), nn.GELU(), nn.Linear(EXPANSION * width, width)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Maps (B, T, width) to the same shape."""
        tokens = tokens + self.attention(self.norm1(tokens))
        changed: Tensor = tokens + self.perceptron(self.norm2(tokens))
        return changed


class SelfAttention(nn.Module):
    """softmax(Q Kᵀ / √d) V of each head, concatenated and projected."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.projection = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Maps (B, T, width) to the same shape."""
        parts = self.queries_keys_values(tokens).unflatten(2, (3, self.heads, -1))
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)  # each (B, heads, T, width / heads)
        attended = F.scaled_dot_product_attention(queries, keys, values)
        projected: Tensor = self.projection(attended.transpose(1, 2).flatten(2))
        return projected
