"""Evaluation: verification of pairs with intervals, and what a network costs."""

from nbutils.evaluation.bootstrap import BootstrapInterval, bootstrap, paired_bootstrap
from nbutils.evaluation.comparison import compare_models, steps_to_share
from nbutils.evaluation.efficiency import ParameterCount, count_parameters
from nbutils.evaluation.verification import VerificationResult, evaluate_pairs

__all__ = [
    "BootstrapInterval",
    "ParameterCount",
    "VerificationResult",
    "bootstrap",
    "compare_models",
    "count_parameters",
    "evaluate_pairs",
    "paired_bootstrap",
    "steps_to_share",
]
