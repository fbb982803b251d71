"""τ and λ by cross-validation (Wang & Lan 2017, 5.1): every value on the same trainings, judged on people held out."""

from __future__ import annotations

from dataclasses import replace

from nbutils.data.spec import DataSpec
from nbutils.errors import ParameterError
from nbutils.papers.base import seed_range
from nbutils.papers.wang2017.transfer_cells import Cell
from nbutils.papers.wang2017.transfer_networks import Networks
from nbutils.training.spec import TrainingSpec

#: Share of the training people who are held out of a fold, and verified.
HELD_OUT_PEOPLE = 0.2
_DIVISOR = 8


def parse_values(text: str, name: str) -> tuple[float, ...]:
    """The values of a notebook's parameter.

    Args:
        text: Numbers above 0 with commas between them.
        name: Of the parameter, for the error.

    Raises:
        ParameterError: There is none, one is no such number, or two are equal.

    Example:
        >>> from nbutils.papers.wang2017 import parse_values
        >>> parse_values("1, 3, 10", "temperatures")
        (1.0, 3.0, 10.0)
    """
    try:
        values = tuple(float(each) for each in text.split(","))
    except ValueError:
        values = ()
    if not values or not all(0 < value < float("inf") for value in values) or len(set(values)) < len(values):
        raise ParameterError(f"{name} is {text!r}: expected different numbers above 0, such as '1,3,10'")
    return values


def search_trials(
    data: DataSpec,
    temperatures: tuple[float, ...],
    margins: tuple[float, ...],
    preset: str = "laptop",
    seed: int = 0,
    seeds: int = 1,
) -> list[dict[tuple[str, float], TrainingSpec]]:
    """For each seed, the trainings of ("τ", value) and ("λ", value), all of ResNet-50/8.

    τ is tried in the classification student "Ours" (Eqs. 2 and 4), λ in the student that goes on from it by the triplet
    loss alone. Each seed draws another fifth of the training people to hold out; no network sees them, the teacher
    neither, and the test people and pairs are not looked at.

    Args:
        data: The faces with identities.
        temperatures: Values of τ.
        margins: Values of λ.
        preset: Size of networks and schedules.
        seed: The first, of people held out, weights, order and augmentation.
        seeds: Number of seeds from there on.

    Raises:
        ParameterError: If there is no seed.

    Example:
        >>> from nbutils.papers.wang2017 import face_sets, search_trials
        >>> data = face_sets("synthetic", preset="smoke")["CASIA"]
        >>> (trials,) = search_trials(data, (1.0, 3.0), (0.4,), "smoke")
        >>> list(trials), trials["τ", 1.0].data.held_out_people
        ([('τ', 1.0), ('τ', 3.0), ('λ', 0.4)], 0.2)
    """
    found = []
    for s in seed_range(seed, seeds):
        held_out = {"held_out_people": HELD_OUT_PEOPLE, "held_out_images": 0.0, "held_out_seed": s}
        networks = Networks(data.model_copy(update=held_out), preset, s)
        trials = {("τ", t): replace(networks, temperature=t).ours(_DIVISOR) for t in temperatures}
        distilled = Cell(_DIVISOR, "Distill", 0.0, 0.0)
        for margin in margins:
            trials["λ", margin] = replace(networks, margin=margin).verification(softmax=False)[distilled]
        found.append(trials)
    return found
