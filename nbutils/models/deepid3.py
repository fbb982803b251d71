"""T2 of Luo et al. 2016, Table 1: DeepID3 with stacked convolutions, locally connected layers and deep supervision."""

from __future__ import annotations

from torch import Tensor, nn

from nbutils.models.base import FaceNetwork, Outputs
from nbutils.models.layers import LocallyConnected2d, rectified_max_pool, supervise, supervision_head

#: Neurons of each supervision head: Table 1(b) prints 17 M, 8 M and 3 M parameters, which 256 neurons give.
_HEAD_NEURONS = 256


class DeepID3(FaceNetwork):
    """The teacher T2 (Luo et al. 2016, Table 1; DeepID3 of Sun et al. 2015).

    The supervised layers are Table 1's groups 4, 6, 8 (the last three pooled maps) and 10 (the top itself): each
    predicts the identity through two fully connected layers, and the first three, of 256 neurons, are dropped after
    training. The convolutions are padded: Table 1 prints maps that only the pooling halves.

    Args:
        num_classes: Identities of the training set (12,294 in the paper).
        width: Channels of the first two convolutions (64 in the paper); the later ones have 1.5, 3 and 4 times as
            many. The top hidden layer keeps its 512 neurons at any width.
    """

    input_size = (112, 96)
    num_features = 512
    training_only = ("supervision", "classifier")

    def __init__(self, num_classes: int = 12294, width: int = 64) -> None:
        super().__init__()
        first, second, third, fourth = width, 3 * width // 2, 3 * width, 4 * width
        self.group1 = _two_convolutions(3, first)
        self.group2 = rectified_max_pool()
        self.group3 = _two_convolutions(first, second)
        self.group4 = rectified_max_pool()
        self.group5 = _two_convolutions(second, third)
        self.group6 = rectified_max_pool()
        self.group7 = _two_convolutions(third, fourth)
        self.group8 = rectified_max_pool()
        self.group9 = nn.Sequential(
            LocallyConnected2d(fourth, fourth, (7, 6), 3),
            nn.ReLU(),
            LocallyConnected2d(fourth, fourth, (5, 4), 3),
            nn.ReLU(),
        )
        self.group10 = nn.Sequential(nn.Flatten(), nn.Linear(fourth * 3 * 2, self.num_features), nn.ReLU())
        self.classifier = nn.Linear(self.num_features, num_classes)
        supervised = ((second, 28, 24), (third, 14, 12), (fourth, 7, 6))
        self.supervision = nn.ModuleList(
            supervision_head(channels * h * w, _HEAD_NEURONS, num_classes) for channels, h, w in supervised
        )
        self._initialise()

    def forward(self, images: Tensor) -> Outputs:
        """Maps (B, 3, 112, 96) images in [−1, 1] to 512 features and the identity logits."""
        pool2 = self.group4(self.group3(self.group2(self.group1(images))))
        pool3 = self.group6(self.group5(pool2))
        pool4 = self.group8(self.group7(pool3))
        features = self.group10(self.group9(pool4))
        if not self.training:
            return Outputs(features=features, output=self.output_from(features), supervision=())
        maps = (pool2, pool3, pool4)
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

    def _initialise(self) -> None:
        """He et al. 2015: with the smaller numbers of torch, ten layers would shrink the signal to nothing."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


def _two_convolutions(inputs: int, outputs: int) -> nn.Sequential:
    """The second one's rectifier follows in the pooling."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.Conv2d(outputs, outputs, 3, padding=1))
