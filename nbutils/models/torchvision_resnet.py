"""torchvision's ResNets as face networks: what the tools for any network are tried on."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision import models

from nbutils.errors import ParameterError
from nbutils.models.outputs import FaceNetwork, FaceOutputs


class TorchvisionResNet(FaceNetwork):
    """One of torchvision's residual networks (He et al. 2016) with random weights and a classifier for identities.

    Args:
        num_classes: Identities.
        name: As torchvision calls it: "resnet18", "resnet34", "resnet50" ….
        height: Rows of the input.
        width: Its columns.

    Raises:
        ParameterError: torchvision has no such residual network.
    """

    training_only = ("classifier",)

    def __init__(self, num_classes: int = 1000, name: str = "resnet18", height: int = 55, width: int = 47) -> None:
        super().__init__()
        known = [each for each in models.list_models(module=models) if each.startswith("resnet")]
        if name not in known:
            raise ParameterError(f"name is {name!r}: expected one of {', '.join(known)}")
        self.input_size = (height, width)
        self.network = models.get_model(name, weights=None)
        self.classifier = nn.Linear(self.network.fc.in_features, num_classes)
        self.network.fc = nn.Identity()

    def forward(self, images: Tensor) -> FaceOutputs:
        """Maps (B, 3, H, W) images in [−1, 1] to the pooled features and the identity logits."""
        features = self.network(images)
        return FaceOutputs(features, self.classifier(features))
