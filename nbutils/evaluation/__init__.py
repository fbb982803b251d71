"""Evaluation: verification, classification, alignment, retrieval, with intervals; what a network costs."""

from nbutils.evaluation.alignment import NORMALISER, normalised_errors, predict_landmarks
from nbutils.evaluation.bootstrap import BootstrapInterval, bootstrap, paired_bootstrap
from nbutils.evaluation.cells import by_influence, cell_difference, influences, magnitude, tabulate
from nbutils.evaluation.classification import mean_interval, recognised, regressed_logits
from nbutils.evaluation.comparison import compare_models, steps_to_share
from nbutils.evaluation.efficiency import ParameterCount, count_parameters, multiply_adds, weight_bytes
from nbutils.evaluation.folds import evaluate_folds
from nbutils.evaluation.latency import Latencies, alternating_latencies, ways_to_run
from nbutils.evaluation.onnx import OnnxNetwork, check_onnx, export_onnx, quantise_onnx
from nbutils.evaluation.retrieval import RetrievalResult, nearest_others, retrieve
from nbutils.evaluation.structure import in_groups, layer_table
from nbutils.evaluation.verification import VerificationResult, evaluate_pairs

__all__ = [
    "NORMALISER",
    "BootstrapInterval",
    "Latencies",
    "OnnxNetwork",
    "ParameterCount",
    "RetrievalResult",
    "VerificationResult",
    "alternating_latencies",
    "bootstrap",
    "by_influence",
    "cell_difference",
    "check_onnx",
    "compare_models",
    "count_parameters",
    "evaluate_folds",
    "evaluate_pairs",
    "export_onnx",
    "in_groups",
    "influences",
    "layer_table",
    "magnitude",
    "mean_interval",
    "multiply_adds",
    "nearest_others",
    "normalised_errors",
    "paired_bootstrap",
    "predict_landmarks",
    "quantise_onnx",
    "recognised",
    "regressed_logits",
    "retrieve",
    "steps_to_share",
    "tabulate",
    "ways_to_run",
    "weight_bytes",
]
