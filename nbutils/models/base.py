"""The contract of networks: what every face network takes and returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from nbutils.errors import ParameterError


class Outputs(dict[str, Any]):
    """One forward pass over B images: named tensors, read as attributes.

    Two names mean the same for every network; a network may return more under names of its own, which losses then
    read as `student.<name>` and `teacher.<name>`. What is None is left out.

    Attributes:
        features: (B, F) the top hidden layer, after its activation.
        output: (B, N) the last layer, without activation: logits, or regressed neurons. A teacher without logits
            has none.

    Example:
        >>> import torch
        >>> outputs = Outputs(features=torch.zeros(2, 3), output=torch.zeros(2, 5), mask=torch.ones(2))
        >>> outputs.features.shape, sorted(outputs)
        (torch.Size([2, 3]), ['features', 'mask', 'output'])
    """

    features: Tensor
    output: Tensor

    def __init__(self, named: Mapping[str, Any] | None = None, /, **more: Any) -> None:  # noqa: ANN401
        super().__init__((name, value) for name, value in {**(named or {}), **more}.items() if value is not None)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever the network returned)
        """The output `name`."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"these outputs have no {name!r}: they have {', '.join(self)}") from None


class FaceNetwork(nn.Module):
    """A network over faces with a known input size.

    A subclass sets `input_size`, takes its number of outputs as the constructor's first argument, and returns
    `Outputs` from `forward`. The rest has defaults.

    Attributes:
        input_size: (height, width) of the images it takes.
        channels: Of the images: 3, or 1 of grey ones.
        training_only: Names of the submodules that inference does without.
        heads: Names of the submodules that belong to one task, which a transfer to another need not take along.
        view: What it sees of the images; None: all, as they are.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> from nbutils.models import FaceNetwork, Outputs
        >>> class Linear(FaceNetwork):
        ...     input_size = (32, 32)
        ...     def __init__(self, outputs):
        ...         super().__init__()
        ...         self.top, self.last = nn.Linear(3 * 32 * 32, 16), nn.Linear(16, outputs)
        ...     def forward(self, images):
        ...         features = self.top(images.flatten(1)).relu()
        ...         return Outputs(features=features, output=self.last(features))
        >>> Linear(10)(torch.zeros(2, 3, 32, 32)).output.shape
        torch.Size([2, 10])
    """

    input_size: tuple[int, int]
    channels: int = 3
    training_only: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    view: Callable[[Tensor], Tensor] | None = None

    def look_at(self, region: str, crop: tuple[int, int]) -> None:
        """From now on takes whole-face crops of another size, and looks at one region of them.

        Args:
            region: One of `nbutils.data.geometry.face_regions.REGIONS`.
            crop: (height, width) of the crops.

        Raises:
            ParameterError: If there is no such region.
        """
        from nbutils.models.view import View  # what sees the whole crop does not need it

        self.view = View(region, self.input_size)
        self.input_size = crop

    @property
    def root(self) -> nn.Module:
        """Where the dotted paths of its modules begin: itself, or the module that it wraps."""
        return self

    def output_from(self, features: Tensor) -> Tensor | None:
        """The outputs, where they follow from (B, F) features alone; None: they do not.

        A teacher's targets are cached as its features; where this gives None, its outputs are kept beside them.
        """
        return None

    def __call__(self, images: Tensor) -> Outputs:
        """Maps (B, channels, H, W) images in [−1, 1] to `Outputs`.

        Raises:
            ParameterError: `forward` returned something else.
        """
        outputs = super().__call__(images if self.view is None else self.view(images))
        if not isinstance(outputs, Outputs):
            raise ParameterError(
                f"{type(self).__name__}.forward returned {type(outputs).__name__}: expected "
                "nbutils.models.Outputs(features=…, output=…)"
            )
        return outputs
