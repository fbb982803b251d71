"""The search for learning rates: every objective on the same grid, judged on training people held out."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from nbutils.data.spec import DataSpec
from nbutils.errors import ParameterError
from nbutils.papers.luo2016.deeper_teachers import fig4, fig5
from nbutils.papers.luo2016.single_network import fig3, without_verification
from nbutils.papers.luo2016.student_rows import chosen_row
from nbutils.training.spec import TrainingSpec

#: Share of the training people who are held out to verify.
HELD_OUT = 0.2
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


def searched_rows(
    data: DataSpec, preset: str = "laptop", seed: int = 0, targets: str = "online", figure: str = "fig3"
) -> dict[str, TrainingSpec]:
    """The rows of a figure as the recipe trains them, with a fifth of the training people held out to verify.

    Of Fig. 3, T1 with and without the verification signal, and the students; of Fig. 4, T2 and its students; of
    Fig. 5, the students of six T1. Students of chosen neurons have the objective of all neurons, and are left out.
    No teacher and no student sees the people held out; the test people are not looked at.

    Raises:
        ParameterError: The figure is none of these.

    Example:
        >>> from nbutils.papers.luo2016 import large_face_data, searched_rows
        >>> rows = searched_rows(large_face_data("synthetic", preset="smoke"), "smoke", figure="fig4")
        >>> list(rows), rows["T2"].data.held_out_people
        (['T2', 'soft t=1', 'soft t=10', 'logits', 'neurons'], 0.2)
    """
    held_out = data.model_copy(update={"held_out_people": HELD_OUT})
    if figure == "fig3":
        rows = fig3(held_out, preset, seed, targets, watch=0)
        rows |= {UNVERIFYING: without_verification(rows["T1"])}
    elif figure in ("fig4", "fig5"):
        rows = (fig4 if figure == "fig4" else fig5)(held_out, preset, seed, targets)
    else:
        raise ParameterError(f"figure is {figure!r}: expected fig3, fig4 or fig5")
    chosen = chosen_row(rows)
    return {name: spec for name, spec in rows.items() if name != chosen}


def rate_trials(rows: Mapping[str, TrainingSpec], rates: tuple[float, ...]) -> dict[str, dict[float, TrainingSpec]]:
    """One training for each row and rate, as long as the recipe's; teachers have the recipe's own rate.

    Example:
        >>> from nbutils.papers import face_data
        >>> from nbutils.papers.luo2016 import rate_trials, searched_rows
        >>> trials = rate_trials(searched_rows(face_data("synthetic", preset="smoke"), "smoke"), (0.1, 0.2))
        >>> len(trials), list(trials["neurons"]), trials["neurons"][0.2].schedule.learning_rate
        (7, [0.1, 0.2], 0.2)
    """
    return {name: {rate: _at(spec, rate) for rate in rates} for name, spec in rows.items()}


def recipe_rates(data: DataSpec, preset: str = "laptop", figure: str = "fig3") -> dict[str, float]:
    """The learning rate that the recipe gives each row of `searched_rows` on these faces.

    Example:
        >>> from nbutils.papers import face_data
        >>> from nbutils.papers.luo2016 import recipe_rates
        >>> rates = recipe_rates(face_data("lfw", "faces/lfw"))
        >>> rates["1-of-K"], rates["neurons"]
        (0.03, 0.1)
    """
    return {name: spec.schedule.learning_rate for name, spec in searched_rows(data, preset, figure=figure).items()}


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
