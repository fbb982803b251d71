"""MobileFaceNet (Chen et al. 2018): the common student of face recognition on phones."""

from __future__ import annotations

from torch import Tensor, nn

from nbutils.errors import ParameterError
from nbutils.models.base import FaceNetwork, Outputs

#: Table 1's stages of bottlenecks: expansion t, channels c as multiples of the first layer's, repeats n, stride s.
STAGES = ((2, 1, 5, 2), (4, 2, 1, 2), (2, 2, 6, 1), (4, 2, 1, 2), (2, 2, 2, 1))
#: The least side of an input, in pixels: the network halves it four times.
LEAST = 16


class MobileFaceNet(FaceNetwork):
    """Depthwise separable bottlenecks and a global depthwise convolution (Chen et al. 2018, Table 1).

    Inverted residuals as in MobileNetV2, with PReLU for ReLU6. The global depthwise convolution has a weight for every
    position of the last map, where average pooling would treat the rim like the middle. All convolutions are without
    bias and followed by batch norm. The paper gives its widths for 64 channels; others scale with them. It prints 0.99
    million parameters at 112 × 112 pixels: ours are 993,344 without the classifier and with batch norm folded into
    biases, as in deployment, and 1,003,136 while it trains.

    Convolutions start from He et al. 2015's normal numbers, for PReLU's slope of 0.25; the classifier as in torch. The
    paper does not say how it starts.

    Args:
        num_classes: Identities of the training set, or neurons to regress.
        width: Channels of the first layer (64 in the paper); the bottlenecks have up to twice, the last map 8 times as
            many.
        embedding: Features, the linear layer that the faces are compared by (128 in the paper).
        height: Of the input, in pixels.
        breadth: Width of the input, in pixels.

    Raises:
        ParameterError: If the input is smaller than 16 × 16 pixels.

    Example:
        >>> import torch
        >>> network = MobileFaceNet(10, width=8, height=55, breadth=47)
        >>> {name: tuple(value.shape) for name, value in network(torch.zeros(2, 3, 55, 47)).items()}
        {'features': (2, 128), 'output': (2, 10)}
    """

    heads = ("classifier",)

    def __init__(
        self, num_classes: int = 12294, width: int = 64, embedding: int = 128, height: int = 112, breadth: int = 96
    ) -> None:
        super().__init__()
        if min(height, breadth) < LEAST:
            raise ParameterError(f"the input is {height} × {breadth} pixels: expected at least {LEAST} × {LEAST}")
        self.input_size = (height, breadth)
        self.num_features = embedding
        self.conv1 = _convolution(3, width, 3, stride=2)
        self.conv2 = _convolution(width, width, 3, groups=width)
        blocks, inputs = list[nn.Module](), width
        for expansion, multiple, repeats, stride in STAGES:
            for repeat in range(repeats):
                outputs = multiple * width
                blocks.append(Bottleneck(inputs, outputs, expansion * inputs, stride if repeat == 0 else 1))
                inputs = outputs
        self.bottlenecks = nn.Sequential(*blocks)
        top = 8 * width
        self.conv3 = _convolution(inputs, top, 1)
        self.global_depthwise = nn.Sequential(
            nn.Conv2d(top, top, _sixteenth(height, breadth), groups=top, bias=False), nn.BatchNorm2d(top)
        )
        self.embedding = nn.Sequential(nn.Conv2d(top, embedding, 1, bias=False), nn.BatchNorm2d(embedding))
        self.classifier = nn.Linear(embedding, num_classes)
        self._initialise()

    def forward(self, images: Tensor) -> Outputs:
        """Maps (B, 3, H, W) images in [−1, 1] to (B, embedding) features and the logits."""
        top = self.conv3(self.bottlenecks(self.conv2(self.conv1(images))))
        features = self.embedding(self.global_depthwise(top)).flatten(1)
        return Outputs(features=features, output=self.output_from(features))

    def output_from(self, features: Tensor) -> Tensor:
        """The logits of (B, embedding) features."""
        logits: Tensor = self.classifier(features)
        return logits

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=0.25, nonlinearity="leaky_relu")


class Bottleneck(nn.Module):
    """1 × 1 to `hidden` channels, 3 × 3 depthwise, 1 × 1 linear; with a shortcut where the shape stays."""

    def __init__(self, inputs: int, outputs: int, hidden: int, stride: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _convolution(inputs, hidden, 1),
            _convolution(hidden, hidden, 3, stride=stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, inputs, H, W) to (B, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""
        change: Tensor = self.layers(x)
        return x + change if self.has_shortcut else change


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """A convolution that keeps the size at stride 1, with batch norm and PReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.PReLU(outputs),
    )


def _sixteenth(height: int, breadth: int) -> tuple[int, int]:
    """Size of the last map: of the input, halved four times and rounded up."""
    return -(-height // 16), -(-breadth // 16)
