"""A paper's claims judged in a run, each by the interval of its quantity."""

from __future__ import annotations

from collections.abc import Mapping

from nbutils.evaluation.interval import Interval
from nbutils.papers.printed_tables import claim
from nbutils.reporting.run import Run
from nbutils.reporting.views import VerdictsView


def judge_claims(run: Run, name: str, found: Mapping[str, Interval]) -> VerdictsView:
    """Judge claims of a paper, and record the verdicts.

    Args:
        run: Of the notebook.
        name: The paper.
        found: A claim's name to the interval of our value of its measure, in the measure's unit.

    Returns:
        All verdicts of the run so far, to be shown as a cell's last value.

    Raises:
        ParameterError: No such paper or claim.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from nbutils.evaluation import Interval
        >>> from nbutils.papers import judge_claims
        >>> from nbutils.reporting import Run
        >>> with TemporaryDirectory() as folder:
        ...     run = Run("trial", parameters={"dataset": "synthetic", "preset": "laptop"}, out_dir=folder)
        ...     judge_claims(run, "luo2016", {"fig7-parameters": Interval(60, 55, 70)}).frame["verdict"].tolist()
        ['holds']
    """
    for name_of_claim, interval in found.items():
        run.claim(claim(name, name_of_claim).judged(interval))
    return run.verdicts
