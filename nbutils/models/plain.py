"""Any nn.Module as a face network: its features and outputs are read off its modules."""

from __future__ import annotations

from torch import Tensor, nn

from nbutils.errors import ParameterError
from nbutils.models.base import FaceNetwork, Outputs
from nbutils.models.taps import Taps, find_module


class PlainNetwork(FaceNetwork):
    """A module that does not return `Outputs`, such as torchvision's networks.

    Args:
        network: Takes (B, 3, H, W) images in [−1, 1].
        input_size: (height, width) of its images.
        features: Path of the module that is its top hidden layer; a map is averaged over its positions. "" is the
            network itself: what it returns.
        output: Path of the module that gives its logits, likewise; None: it has none.

    Raises:
        ParameterError: There is no such module.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> from nbutils.models import PlainNetwork
        >>> network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))
        >>> outputs = PlainNetwork(network, (32, 32), features="1")(torch.zeros(2, 3, 32, 32))
        >>> outputs.features.shape, outputs.output.shape
        (torch.Size([2, 4]), torch.Size([2, 10]))
    """

    def __init__(
        self,
        network: nn.Module,
        input_size: tuple[int, int],
        features: str = "",
        output: str | None = "",
    ) -> None:
        super().__init__()
        self.network = network
        self.input_size = input_size
        self._features, self._output = features, output
        for path in filter(None, (features, output)):
            find_module(network, path)

    @property
    def root(self) -> nn.Module:
        """The module itself."""
        return self.network

    def forward(self, images: Tensor) -> Outputs:
        """Maps (B, 3, H, W) images in [−1, 1] to features and output.

        Raises:
            ParameterError: One of them is no tensor of two or four axes.
        """
        taps = Taps(self.network, filter(None, (self._features, self._output)))  # each time: a copy needs its own hooks
        try:
            returned = self.network(images)
            seen = taps.take() | {"": returned}
        finally:
            taps.remove()
        if isinstance(returned, Outputs):
            return returned
        output = None if self._output is None else _row("output", seen[self._output])
        return Outputs(features=_row("features", seen[self._features]), output=output)


def _row(name: str, value: object) -> Tensor:
    """(B, units) of a layer, or (B, channels) of a map."""
    if isinstance(value, Tensor) and value.ndim == 2:
        return value
    if isinstance(value, Tensor) and value.ndim == 4:
        return value.mean(dim=(2, 3))
    shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
    raise ParameterError(
        f"the network gives {name} of {shape}: expected (images, neurons) or (images, channels, height, width)"
    )
