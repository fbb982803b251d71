"""The scores of Wang & Lan's Table 2: how many people each network names, and how well it verifies others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.preprocessing import normalize

from nbutils.data.faces import FaceData
from nbutils.errors import ParameterError
from nbutils.evaluation.classification import recognised
from nbutils.evaluation.efficiency import count_parameters
from nbutils.evaluation.scores import tabulate
from nbutils.evaluation.verification import VerificationResult, verify
from nbutils.papers.printed_tables import beside
from nbutils.training.trainer import TrainingResult


class SizeScores(NamedTuple):
    """One half of Table 2.

    Attributes:
        correct: Network to (S, N) bool, whether it names the person of each held-out image, for each of S seeds.
        verified: Network to its result on the pairs of other people, by features of length 1, one a seed.
        table: Indexed by network: top-1 and LFW accuracy in percent, each beside the print; the interval of top-1, the
            standard error of LFW's, parameters in training.
    """

    correct: dict[str, npt.NDArray[np.bool_]]
    verified: dict[str, list[VerificationResult]]
    table: pd.DataFrame


def named_people(results: Mapping[str, Sequence[TrainingResult]], faces: FaceData) -> dict[str, npt.NDArray[np.bool_]]:
    """Whether each network names the people on the images that are held out from training.

    Args:
        results: Network to its trainings, one a seed.
        faces: With held-out images.

    Returns:
        Network to (S, N) bool.

    Raises:
        ParameterError: No images are held out.

    Example:
        >>> from nbutils.papers.wang2017 import face_sets, named_people
        >>> named_people({}, face_sets("synthetic", preset="smoke")["CASIA"].load())
        {}
    """
    held_out = faces.held_out
    if held_out is None:
        raise ParameterError(f"{faces.title} holds out no images of its training people: expected some to test on")
    return {name: np.stack([recognised(r.model, held_out) for r in found]) for name, found in results.items()}


def size_scores(results: Mapping[str, Sequence[TrainingResult]], faces: FaceData, table: str) -> SizeScores:
    """Scores of the networks of Table 2 on one data set, beside the paper's.

    Args:
        results: Network, as the print names it, to its trainings, one a seed.
        faces: With held-out images, and pairs of other people.
        table: The printed half, "table2_casia" or "table2_msceleb".

    Raises:
        ParameterError: No images are held out, or there is no such table.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from nbutils.papers.wang2017 import Networks, face_sets, size_scores
        >>> from nbutils.training import Store, train
        >>> data = face_sets("synthetic", preset="smoke")["CASIA"]
        >>> with TemporaryDirectory() as folder:
        ...     result = train(Networks(data, "smoke").initial(8), store=Store(folder), progress=False)
        ...     scores = size_scores({"Scratch /8": [result]}, data.load(), "table2_casia")
        >>> list(scores.table.columns)
        ['paper top-1', 'top-1', 'low', 'high', 'paper LFW', 'LFW', 'LFW SE', 'parameters']
    """
    correct = named_people(results, faces)
    assert faces.held_out is not None
    scores = beside("wang2017", table, tabulate(correct, "top-1", faces.held_out.identity), column="top-1")
    verified = {
        name: [verify(normalize(r.features(faces.test.images)), faces.test, faces.pairs) for r in found]
        for name, found in results.items()
    }
    each = {name: [result.accuracy for result in found] for name, found in verified.items()}
    lfw = scores[[]].assign(LFW=[100 * np.mean(each[name]) for name in scores.index])
    scores = scores.join(beside("wang2017", table, lfw, column="LFW"))
    errors = {name: [result.accuracy_error for result in found] for name, found in verified.items()}
    scores["LFW SE"] = [100 * np.mean(errors[name]) for name in scores.index]
    scores["parameters"] = [count_parameters(results[name][0].model).training for name in scores.index]
    return SizeScores(correct, verified, scores)
