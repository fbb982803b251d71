"""Teacher targets made once: hidden features whole, or soft targets as their largest logits."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from nbutils.gpu import where_it_fits
from nbutils.models.base import Outputs
from nbutils.training.teachers import Teacher


@dataclass(frozen=True)
class TopLogits:
    """The k largest of N logits of each image, and one value for all others that keeps their softened mass.

    Of 100,000 people's logits, a hundred and their places take 800 bytes instead of 400,000.

    Attributes:
        place: (M, k) int64.
        value: (M, k) float32.
        rest: (M,) float32, the value of each of the other N − k.
        classes: N.
    """

    place: Tensor
    value: Tensor
    rest: Tensor
    classes: int

    @classmethod
    def of(cls, logits: Tensor, k: int, temperature: float) -> TopLogits:
        """Keeps the k largest of (M, N) logits; the others share their mass in softmax(logits / temperature)."""
        classes = logits.shape[1]
        k = min(k, classes)
        value, place = logits.float().topk(k, dim=1)
        if k == classes:
            return cls(place, value, value.new_zeros(len(value)), classes)
        others = logits.float().scatter(1, place, -math.inf)
        mass = torch.logsumexp(others / temperature, dim=1)
        return cls(place, value, temperature * (mass - math.log(classes - k)), classes)

    def to(self, device: torch.device) -> TopLogits:
        """The same, on a device."""
        return TopLogits(self.place.to(device), self.value.to(device), self.rest.to(device), self.classes)

    def dense(self, index: Tensor) -> Tensor:
        """(B, N) logits of the images `index`."""
        whole = self.rest[index][:, None].expand(-1, self.classes).clone()
        return whole.scatter_(1, self.place[index], self.value[index])

    def loss_in_kl(self, logits: Tensor, temperature: float) -> Tensor:
        """(M,) KL(exact ‖ kept) in nats between the softened predictions: what the cache loses."""
        exact = F.log_softmax(logits.float() / temperature, dim=1)
        kept = F.log_softmax(self.dense(torch.arange(len(logits))) / temperature, dim=1)
        return F.kl_div(kept, exact, reduction="none", log_target=True).sum(dim=1)


@dataclass(frozen=True)
class TargetCache:
    """Targets of M plain images by their index.

    Attributes:
        features: (M, F) the teacher's features.
        logits: (M, K, N) the logits of its K networks; None where they follow from the features, or there are none.
        top: The largest of its logits, in the place of all of them; None: all.
    """

    features: Tensor
    logits: Tensor | None = None
    top: TopLogits | None = None

    def to(self, device: torch.device) -> TargetCache:
        """The same, with what fits on a device."""
        logits = None if self.logits is None else where_it_fits(self.logits, device)
        top = None if self.top is None else self.top.to(device)
        return TargetCache(where_it_fits(self.features, device), logits, top)

    def targets(self, teacher: Teacher, index: Tensor, device: torch.device) -> Outputs:
        """What the teacher said of the images `index`."""
        logits = None if self.logits is None else self.logits[index.to(self.logits.device)].to(device)
        targets = teacher.from_cached(self.features[index.to(self.features.device)].to(device), logits)
        if self.top is not None:
            targets["logits"] = self.top.dense(index.to(self.top.rest.device)).to(device)
        return targets
