"""ResNet-50 and its students of Wang & Lan 2017: torchvision's bottlenecks with every layer's kernels divided."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck

from nbutils.errors import ParameterError
from nbutils.models.base import FaceNetwork, Outputs

#: Bottleneck blocks of the four stages, by the number of layers with weights.
BLOCKS = {14: (1, 1, 1, 1), 26: (2, 2, 2, 2), 50: (3, 4, 6, 3)}
#: Below so many input channels (a vector of AVX-512; of AVX2, 8), oneDNN on a CPU computes a wrong weight gradient of
#: a strided 1×1 convolution and writes out of bounds: https://github.com/uxlfoundation/oneDNN/issues/6035.
_NARROW = 16
#: Key points of a face, two coordinates each.
POINTS = 5


class FaceResNet(FaceNetwork):
    """A bottleneck ResNet over faces with a head for identities and one for key points (Wang & Lan 2017, 5.1).

    Batch norm stands directly on the input, in place of mean subtraction and whitening. The embedding is the last
    hidden layer K itself, 2048/divisor neurons after global average pooling: Eqs. 7 to 9 are stated on it.

    Args:
        num_classes: Identities of the training set.
        divisor: Every layer's kernels are divided by it: 1 is the teacher, 2, 4, 8 the paper's students.
        depth: 50 (the paper), or 26 and 14 for small inputs: two blocks and one in every stage.
        width: Kernels of the first layer at divisor 1 (64 in the paper).
        height: Of the input, in pixels (224 in the paper).
        breadth: Width of the input, in pixels.

    Raises:
        ParameterError: If the depth is unknown, or the divisor does not divide the width.
    """

    heads = ("classifier", "points")

    def __init__(
        self,
        num_classes: int = 10575,
        divisor: int = 1,
        depth: int = 50,
        width: int = 64,
        height: int = 224,
        breadth: int = 224,
    ) -> None:
        super().__init__()
        if depth not in BLOCKS:
            raise ParameterError(f"depth is {depth}: expected one of {', '.join(map(str, BLOCKS))}")
        if divisor < 1 or width % divisor:
            raise ParameterError(
                f"divisor is {divisor}: expected a whole number from 1 that divides the width, {width}"
            )
        if min(height, breadth) < 32:
            raise ParameterError(f"the input is {height} × {breadth} pixels: expected at least 32 × 32")
        self.input_size = (height, breadth)
        planes = width // divisor
        self.input_norm = nn.BatchNorm2d(3)
        self.conv1 = nn.Conv2d(3, planes, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        first, second, third, fourth = BLOCKS[depth]
        self.layer1 = _stage(planes, planes, first, stride=1)
        self.layer2 = _stage(4 * planes, 2 * planes, second, stride=2)
        self.layer3 = _stage(8 * planes, 4 * planes, third, stride=2)
        self.layer4 = _stage(16 * planes, 8 * planes, fourth, stride=2)
        self.num_features = 32 * planes
        self.classifier = nn.Linear(self.num_features, num_classes)
        self.points = nn.Linear(self.num_features, 2 * POINTS)
        self._initialise()

    def forward(self, images: Tensor) -> Outputs:
        """Maps (B, 3, H, W) images to K, the identity logits, the key points and the map after the second stage."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(self.input_norm(images)))))
        middle = self.layer2(self.layer1(x))
        features = self.layer4(self.layer3(middle)).mean(dim=(2, 3))
        points = self.points(features).unflatten(1, (POINTS, 2))
        return Outputs(features=features, output=self.output_from(features), points=points, middle=middle)

    def output_from(self, features: Tensor) -> Tensor:
        """The identity logits of (B, F) features."""
        logits: Tensor = self.classifier(features)
        return logits

    def _initialise(self) -> None:
        """As torchvision does."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def resnet50(
    divisor: int = 1, num_classes: int = 10575, *, depth: int = 50, width: int = 64, size: tuple[int, int] = (224, 224)
) -> FaceResNet:
    """ResNet-50/divisor of Wang & Lan 2017, or a smaller network of the same shape.

    Args:
        divisor: 1, 2, 4 or 8 in the paper.
        num_classes: Identities of the training set.
        depth: Layers with weights.
        width: Kernels of the first layer before division.
        size: (height, width) of the input.

    Example:
        >>> import torch
        >>> from nbutils.models import resnet50
        >>> teacher, student = (resnet50(divisor, 10, depth=14, width=16, size=(32, 32)) for divisor in (1, 8))
        >>> images = torch.zeros(2, 3, 32, 32)
        >>> teacher(images).features.shape, student(images).features.shape
        (torch.Size([2, 512]), torch.Size([2, 64]))
    """
    return FaceResNet(num_classes, divisor, depth, width, *size)


def _stage(inputs: int, planes: int, blocks: int, stride: int) -> nn.Sequential:
    outputs = planes * Bottleneck.expansion
    first = Bottleneck(inputs, planes, stride, _shortcut(inputs, outputs, stride))
    return nn.Sequential(first, *(Bottleneck(outputs, planes) for _ in range(blocks - 1)))


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """A strided 1×1 convolution and batch norm; a narrow map is subsampled first, which computes the same."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if stride > 1 and inputs < _NARROW:
        layers["subsample"] = nn.MaxPool2d(1, stride)
        stride = 1
    layers["0"] = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)  # torchvision's names of the weights
    layers["1"] = nn.BatchNorm2d(outputs)
    return nn.Sequential(layers)
