"""How well trainings went: how near students came to their teachers, and whether gradients were clipped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from nbutils.training.trainer import TrainingResult

#: Below this share of the teacher's variation on its own training faces, a student is far from its teacher.
FAR_BELOW = 0.8
#: Share of a training's steps above which it is told that its gradients were clipped.
CLIPPED_ABOVE = 0.01


def training_quality(results: Mapping[str, Sequence[TrainingResult]]) -> pd.DataFrame:
    """Fidelity and clipped steps of each row's networks.

    Args:
        results: Row to its networks, one a seed.

    Returns:
        Indexed as `results`: fidelity (measure and value on training faces), unseen (likewise on faces of other
        people), explained and explained unseen (shares of the teacher's variation, see
        `nbutils.losses.Fidelity`), clipped (percent of the steps). Means over the networks and over their terms;
        empty or NaN where a row has no teacher to compare with.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from nbutils.evaluation import training_quality
        >>> from nbutils.papers import face_data
        >>> from nbutils.papers.luo2016 import t1
        >>> from nbutils.training import Store, train
        >>> teacher = t1(face_data("synthetic", preset="smoke").model_copy(update={"identities": 2}), "smoke")
        >>> with TemporaryDirectory() as folder:
        ...     training_quality({"T1": [train(teacher, store=Store(folder), progress=False)]}).loc["T1", "fidelity"]
        ''
    """
    rows = {}
    for name, each in results.items():
        row: dict[str, object] = {}
        for label, faces, share in (
            ("fidelity", "training", "explained"),
            ("unseen", "unseen", "explained unseen"),
        ):
            told = [term for result in each for term in result.metrics["fidelity"].get(faces, {}).values()]
            measures = list(dict.fromkeys(term["measure"] for term in told))
            row[label] = ", ".join(
                f"{measure} {np.mean([term['value'] for term in told if term['measure'] == measure]):.2f}"
                for measure in measures
            )
            row[share] = float(np.mean([term["explained"] for term in told])) if told else float("nan")
        row["clipped"] = 100 * float(np.mean([result.history["clipped"].mean() for result in each]))
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("row")


def fidelity_remarks(quality: pd.DataFrame) -> list[str]:
    """Which students are far from their teachers, as a reader must know before comparing rows: a sentence, or none.

    Args:
        quality: From `training_quality`.

    Example:
        >>> import pandas as pd
        >>> from nbutils.evaluation import fidelity_remarks
        >>> (remark,) = fidelity_remarks(pd.DataFrame({"explained": [0.61, -0.4]}, index=["neurons", "logits"]))
        >>> remark[-44:]
        'answers vary: neurons 61.0 %, logits nothing'
    """
    far = quality[quality["explained"] < FAR_BELOW]
    if far.empty:
        return []
    shares = ", ".join(
        f"{name} {100 * share:.1f} %" if share > 0 else f"{name} nothing" for name, share in far["explained"].items()
    )
    less = f"less than {100 * FAR_BELOW:.0f} % of how their teachers' answers vary"
    return [f"These students stay far from their teachers; on training faces they follow {less}: {shares}"]


def clipping_remarks(results: Iterable[TrainingResult]) -> list[str]:
    """Which networks had their gradient clipped in more than 1 % of their steps: a sentence, or none.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from nbutils.evaluation import clipping_remarks
        >>> from nbutils.papers import face_data
        >>> from nbutils.papers.luo2016 import t1
        >>> from nbutils.training import Store, train
        >>> spec = t1(face_data("synthetic", preset="smoke").model_copy(update={"identities": 2}), "smoke")
        >>> bound = spec.model_copy(update={"schedule": spec.schedule.model_copy(update={"clip_norm": 1e-3})})
        >>> with TemporaryDirectory() as folder:
        ...     clipping_remarks([train(bound, store=Store(folder), progress=False)])
        ['The gradient was clipped in more than 1 % of the steps of T1 (100.0 %)']
    """
    shares: dict[str, list[float]] = {}
    for result in results:
        shares.setdefault(result.spec.name, []).append(result.history["clipped"].mean())
    clipped = {name: max(each) for name, each in shares.items() if max(each) > CLIPPED_ABOVE}
    if not clipped:
        return []
    networks = ", ".join(f"{name} ({100 * share:.1f} %)" for name, share in clipped.items())
    return [f"The gradient was clipped in more than {100 * CLIPPED_ABOVE:.0f} % of the steps of {networks}"]
