"""S of Luo et al. 2016, Table 1: the MobileID student."""

from __future__ import annotations

from torch import Tensor, nn

from nbutils.models.base import FaceNetwork, Outputs
from nbutils.models.layers import rectified_max_pool


class MobileIDStudent(FaceNetwork):
    """The student S (Luo et al. 2016, Table 1).

    Args:
        out_features: Length N of the target: selected neurons (422 for T1), or identities for labels, soft
            targets and logits (12,294).
        width: Channels of every map (128 in the paper).
        num_features: Neurons of the top hidden layer (512 in the paper).
        attributes: Of the faces, to predict as extra supervision; 0 for none. The layer that does is for training only.

    Example:
        >>> import torch
        >>> from nbutils.models import MobileIDStudent
        >>> student = MobileIDStudent(out_features=422, width=4)
        >>> student(torch.zeros(2, 3, 55, 47)).output.shape
        torch.Size([2, 422])
    """

    input_size = (55, 47)

    def __init__(self, out_features: int = 422, width: int = 128, num_features: int = 512, attributes: int = 0) -> None:
        super().__init__()
        self.num_features = num_features
        self.group1 = nn.Conv2d(3, width, 4)
        self.group2 = rectified_max_pool()
        self.group3 = nn.Conv2d(width, width, 3)
        self.group4 = rectified_max_pool()
        self.group5 = nn.Conv2d(width, width, 3)
        self.group6 = rectified_max_pool()
        self.group7 = nn.Sequential(nn.Flatten(), nn.Linear(width * 5 * 4, 500), nn.ReLU())
        self.group8 = nn.Sequential(nn.Linear(500, self.num_features), nn.ReLU())
        self.output = nn.Linear(self.num_features, out_features)
        self.attributes = nn.Linear(self.num_features, attributes) if attributes else None
        self.training_only = ("attributes",) if attributes else ()

    def forward(self, images: Tensor) -> Outputs:
        """Maps (B, 3, 55, 47) images in [−1, 1] to 512 hidden features and N outputs."""
        x = self.group4(self.group3(self.group2(self.group1(images))))
        features = self.group8(self.group7(self.group6(self.group5(x))))
        attributes = self.attributes(features) if self.attributes is not None and self.training else None
        return Outputs(features=features, output=self.output_from(features), attributes=attributes)

    def output_from(self, features: Tensor) -> Tensor:
        """The N outputs of (B, F) features."""
        output: Tensor = self.output(features)
        return output


def deployed_student(out_features: int = 422) -> MobileIDStudent:
    """The student that the authors published for phones: 64 channels, fully connected 500 and 500, 422 outputs.

    Example:
        >>> import torch
        >>> from nbutils.models import deployed_student
        >>> student = deployed_student()
        >>> student(torch.zeros(1, 3, 55, 47)).output.shape
        torch.Size([1, 422])
    """
    return MobileIDStudent(out_features, width=64, num_features=500)
