"""T1 of Luo et al. 2016, Table 1: DeepID2+ with locally connected layers and deep supervision."""

from __future__ import annotations

from torch import Tensor, nn

from nbutils.models.base import FaceNetwork, Outputs
from nbutils.models.layers import LocallyConnected2d, rectified_max_pool, supervise, supervision_head


class DeepID2Plus(FaceNetwork):
    """The teacher T1 (Luo et al. 2016, Table 1; DeepID2+ of Sun et al. 2015).

    The supervised layers are Table 1's groups 2, 4, 6 (the three pooled maps) and 8 (the top itself): each predicts
    the identity through two fully connected layers, and the first three are dropped after training.

    Args:
        num_classes: Identities of the training set (12,294 in the paper).
        width: Channels of every map (128 in the paper). The top hidden layer keeps its 512 neurons at any
            width, so that selections stay comparable.

    Example:
        >>> import torch
        >>> from nbutils.models import DeepID2Plus
        >>> teacher = DeepID2Plus(num_classes=10, width=4).eval()
        >>> outputs = teacher(torch.zeros(2, 3, 55, 47))
        >>> outputs.features.shape, outputs.output.shape
        (torch.Size([2, 512]), torch.Size([2, 10]))
    """

    input_size = (55, 47)
    num_features = 512
    training_only = ("supervision", "classifier")

    def __init__(self, num_classes: int = 12294, width: int = 128) -> None:
        super().__init__()
        self.group1 = nn.Conv2d(3, width, 4)
        self.group2 = rectified_max_pool()
        self.group3 = nn.Conv2d(width, width, 3)
        self.group4 = rectified_max_pool()
        self.group5 = LocallyConnected2d(width, width, (12, 10), 3)
        self.group6 = rectified_max_pool()
        self.group7 = nn.Sequential(LocallyConnected2d(width, width, (5, 4), 2), nn.ReLU())
        self.group8 = nn.Sequential(nn.Flatten(), nn.Linear(width * 4 * 3, self.num_features), nn.ReLU())
        self.classifier = nn.Linear(self.num_features, num_classes)
        self.supervision = nn.ModuleList(
            supervision_head(width * h * w, self.num_features, num_classes) for h, w in ((26, 22), (12, 10), (5, 4))
        )

    def forward(self, images: Tensor) -> Outputs:
        """Maps (B, 3, 55, 47) images in [−1, 1] to 512 features and the identity logits."""
        pool1 = self.group2(self.group1(images))
        pool2 = self.group4(self.group3(pool1))
        pool3 = self.group6(self.group5(pool2))
        features = self.group8(self.group7(pool3))
        if not self.training:
            return Outputs(features=features, output=self.output_from(features), supervision=())
        maps = (pool1, pool2, pool3)
        hidden, logits = supervise(self.supervision, maps)
        return Outputs(
            features=features,
            output=self.output_from(features),
            supervision=logits,
            supervised=(*hidden, features),
        )

    def output_from(self, features: Tensor) -> Tensor:
        """The identity logits of (B, 512) features."""
        logits: Tensor = self.classifier(features)
        return logits
