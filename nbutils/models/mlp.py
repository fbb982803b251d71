"""The multilayer perceptrons of Luo et al. 2016's MNIST experiment."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from nbutils.models.base import FaceNetwork, Outputs


class MLP(FaceNetwork):
    """Fully connected layers with ReLU over the pixels of a grey image.

    The paper prints the neurons, 1,200 in T and 800 in S, and not the number of layers: two hidden ones are those of
    Hinton et al. 2015, whose experiment it is.

    Args:
        outputs: Classes, or neurons to regress.
        neurons: Of each hidden layer.
        layers: Hidden layers.
        height: Rows of the input.
        width: Its columns.
        dropout: Dropout rate of the hidden neurons in training; of the inputs, two fifths of it
            (0.2 for the usual 0.5).

    Example:
        >>> import torch
        >>> from nbutils.models import MLP
        >>> MLP(outputs=10, neurons=20)(torch.zeros(3, 1, 28, 28)).output.shape
        torch.Size([3, 10])
    """

    channels = 1

    def __init__(
        self,
        outputs: int = 10,
        neurons: int = 1200,
        layers: int = 2,
        height: int = 28,
        width: int = 28,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.input_size = (height, width)
        parts: list[nn.Module] = [nn.Flatten(), nn.Dropout(0.4 * dropout)]
        for inputs, units in pairwise([height * width, *[neurons] * layers]):
            parts += [nn.Linear(inputs, units), nn.ReLU(), nn.Dropout(dropout)]
        self.hidden = nn.Sequential(*parts)
        self.classifier = nn.Linear(neurons, outputs)

    def forward(self, images: Tensor) -> Outputs:
        """Maps (B, 1, H, W) images in [−1, 1] to the top hidden layer and the outputs."""
        features = self.hidden((images + 1) / 2)  # a digit's background is 0, so that dropout leaves it alone
        return Outputs(features=features, output=self.output_from(features))

    def output_from(self, features: Tensor) -> Tensor:
        """The outputs of (B, F) features."""
        logits: Tensor = self.classifier(features)
        return logits
