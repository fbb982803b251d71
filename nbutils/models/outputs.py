"""What every face network returns."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from nbutils.models.view import View


@dataclass
class FaceOutputs:
    """One forward pass over B images.

    Attributes:
        features: (B, F) the top hidden layer, after ReLU.
        output: (B, N) the last layer, without activation: logits, or regressed neurons.
        supervision: Logits (B, N) of each deep-supervision head; empty unless the network is training.
        points: (B, 5, 2) key points (x, y), in units of half the input from its centre; None where there is no head.
        middle: (B, C, h, w) the map half way up, for hints (FitNets); None where the network names none.
        attributes: (B, A) logits of the attributes; None where there is no head for them.
    """

    features: Tensor
    output: Tensor
    supervision: tuple[Tensor, ...] = ()
    points: Tensor | None = None
    middle: Tensor | None = None
    attributes: Tensor | None = None


class FaceNetwork(nn.Module):
    """A network over faces with a known input size.

    Attributes:
        input_size: (height, width) of the images it takes.
        training_only: Names of the submodules that inference does without.
        heads: Names of the submodules that belong to one task, which a transfer to another need not take along.
        view: What it sees of the images; None: all, as they are.
    """

    input_size: tuple[int, int]
    training_only: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    view: View | None = None

    def look_at(self, region: str, crop: tuple[int, int]) -> None:
        """From now on takes whole-face crops of another size, and looks at one region of them.

        Args:
            region: One of `nbutils.data.geometry.face_regions.REGIONS`.
            crop: (height, width) of the crops.

        Raises:
            ParameterError: If there is no such region.
        """
        self.view = View(region, self.input_size)
        self.input_size = crop

    def __call__(self, images: Tensor) -> FaceOutputs:
        """Maps (B, 3, H, W) images in [−1, 1] to `FaceOutputs`."""
        outputs: FaceOutputs = super().__call__(images if self.view is None else self.view(images))
        return outputs
