"""The triplet hinge on the embedding."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from nbutils.errors import ParameterError
from nbutils.losses.base import Loss
from nbutils.losses.signals import Signals


class TripletLoss(Loss):
    """[‖K^a − K^p‖² − ‖K^a − K^n‖² + λ]₊, squared Euclidean (Wang & Lan 2017, Eq. 8).

    The paper names neither the normalisation of K nor the triplets. Here K is scaled to length 1, as in FaceNet
    (Schroff et al. 2015), which gives the margin a meaning: squared distances then lie in [0, 4]. Of each batch the
    miner of pytorch-metric-learning takes all triplets within the margin, and the loss is their mean.

    Args:
        margin: λ, 0.4 in the paper.
        normalise: Scale K to length 1 first.

    Raises:
        ParameterError: If the margin is not positive.

    Example:
        >>> import torch
        >>> from nbutils.losses import Signals, TripletLoss
        >>> features = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> signals = Signals.of(student={"features": features}, truth={"identity": torch.tensor([0, 0, 1])})
        >>> float(TripletLoss(margin=0.4)(signals))  # the stranger is already further away than the margin
        0.0
    """

    reads = ("student.features", "truth.identity")
    needs_matches = True

    def __init__(self, margin: float = 0.4, *, normalise: bool = True) -> None:
        super().__init__()
        if not margin > 0:
            raise ParameterError(f"margin is {margin}: expected a value above 0")
        from pytorch_metric_learning.distances import LpDistance
        from pytorch_metric_learning.miners import TripletMarginMiner

        self.margin = margin
        self.normalise = normalise
        distance = LpDistance(normalize_embeddings=normalise, p=2, power=2)
        self.miner: Any = TripletMarginMiner(margin=margin, type_of_triplets="all", distance=distance)

    def forward(self, signals: Signals) -> Tensor:
        """Returns the mean over the batch's triplets within the margin; 0 where all are beyond it.

        Raises:
            ParameterError: If the batch has no triplet at all.
        """
        label = signals.truth.identity
        counts = torch.unique(label, return_counts=True)[1]
        if len(counts) < 2 or int(counts.max()) < 2:
            raise ParameterError(
                f"a batch of {len(label)} images of {len(counts)} identities has no triplet: expected two images of "
                "one identity and one of another; set the schedule's images_per_identity to 2 or more"
            )
        embedding: Tensor = signals.student.features.float()
        if self.normalise:
            embedding = F.normalize(embedding)
        with torch.no_grad():
            anchor, positive, negative = self.miner(embedding, label)
        if not len(anchor):
            return embedding.sum() * 0.0
        squares = embedding.square().sum(dim=1)
        distances = squares[:, None] + squares[None] - 2 * embedding @ embedding.T
        return F.relu(distances[anchor, positive] - distances[anchor, negative] + self.margin).mean()
