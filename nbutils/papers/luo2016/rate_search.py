"""The search for learning rates: every objective on the same grid, judged on training people held out."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from nbutils.data.spec import DataSpec
from nbutils.errors import ParameterError
from nbutils.papers.luo2016.single_network import FIG3_ROWS, fig3, without_verification
from nbutils.papers.luo2016.student_rows import T1_RATE
from nbutils.training.spec import TrainingSpec

#: Share of the training people who are held out to verify.
HELD_OUT = 0.2
#: Rows of Fig. 3 that have an objective of their own; "selection" has that of "neurons".
SEARCHED = ("T1", "1-of-K", "soft t=1", "soft t=10", "logits", "neurons")
#: T1 on labels alone.
UNVERIFYING = "T1 without verification"


def parse_rates(text: str) -> tuple[float, ...]:
    """The learning rates of a notebook's parameter.

    Args:
        text: Numbers above 0 with commas between them.

    Raises:
        ParameterError: There is none, one is no such number, or two are equal.

    Example:
        >>> from nbutils.papers.luo2016 import parse_rates
        >>> parse_rates("0.1, 0.2")
        (0.1, 0.2)
    """
    try:
        rates = tuple(float(each) for each in text.split(","))
    except ValueError:
        rates = ()
    if not rates or not all(0 < rate < float("inf") for rate in rates) or len(set(rates)) < len(rates):
        raise ParameterError(f"rates is {text!r}: expected different numbers above 0, such as '0.05,0.1,0.2'")
    return rates


def rate_trials(
    data: DataSpec, rates: tuple[float, ...], preset: str = "laptop", seed: int = 0, targets: str = "online"
) -> dict[str, dict[float, TrainingSpec]]:
    """One training for each objective and rate, as long as in Fig. 3; T1 with and without the verification signal.

    The students' teacher is T1 at the recipe's own rate. The people verified are a fifth of the training people, of
    whom neither it nor a student saw any; the test people are not looked at.

    Example:
        >>> from nbutils.papers import face_data
        >>> from nbutils.papers.luo2016 import rate_trials
        >>> trials = rate_trials(face_data("synthetic", preset="smoke"), (0.1, 0.2), "smoke")
        >>> len(trials), list(trials["neurons"]), trials["neurons"][0.2].schedule.learning_rate
        (7, [0.1, 0.2], 0.2)
    """
    held_out = data.model_copy(update={"held_out_people": HELD_OUT})
    rows = fig3(held_out, preset, seed, targets, watch=0)
    rows = {name: rows[name] for name in SEARCHED} | {UNVERIFYING: without_verification(rows["T1"])}
    return {name: {rate: _at(spec, rate) for rate in rates} for name, spec in rows.items()}


def recipe_rate(objective: str, data: DataSpec, preset: str = "laptop") -> float:
    """The learning rate that the recipe of Fig. 3 gives an objective on these faces.

    Example:
        >>> from nbutils.papers import face_data
        >>> from nbutils.papers.luo2016 import recipe_rate
        >>> data = face_data("lfw", "faces/lfw")
        >>> recipe_rate("1-of-K", data), recipe_rate("neurons", data)
        (0.03, 0.1)
    """
    if objective in ("T1", UNVERIFYING):
        return T1_RATE
    return FIG3_ROWS[objective].pace_on(data, preset).rate


def chosen_rates(scores: pd.DataFrame, recipe: Mapping[str, float]) -> pd.DataFrame:
    """The best rate of each objective, beside the recipe's.

    Args:
        scores: Columns objective, rate, AUC in percent.
        recipe: Rate by objective.

    Returns:
        Indexed by objective: best rate, its AUC, recipe, AUC there (NaN off the grid), edge: whether the best is
        the first or last of the grid, so that a wider one might find a better.

    Example:
        >>> import pandas as pd
        >>> from nbutils.papers.luo2016 import chosen_rates
        >>> scores = pd.DataFrame({"objective": "neurons", "rate": [0.1, 0.2, 0.4], "AUC": [80.0, 82.0, 81.0]})
        >>> chosen_rates(scores, {"neurons": 0.1})[["best rate", "recipe", "edge"]].values.tolist()
        [[0.2, 0.1, False]]
    """
    rows = {}
    for name, own in scores.groupby("objective", sort=False):
        by_rate = own.groupby("rate")["AUC"].mean()
        rates = [float(each) for each in own["rate"].unique()]
        best = max(rates, key=lambda each: float(by_rate[each]))
        rate = recipe[str(name)]
        rows[name] = {
            "best rate": best,
            "AUC": float(by_rate[best]),
            "recipe": rate,
            "AUC of the recipe": float(by_rate.get(rate, float("nan"))),
            "edge": best in (min(rates), max(rates)),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("objective")


def _at(spec: TrainingSpec, rate: float) -> TrainingSpec:
    schedule = spec.schedule.model_copy(update={"learning_rate": rate})
    return spec.model_copy(update={"name": f"{spec.name}, rate {rate:g}", "schedule": schedule})
