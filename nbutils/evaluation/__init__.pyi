from .alignment import (
    NORMALISER,
    errors_by_turn,
    head_turn,
    normalised_errors,
    normalised_mean_errors,
    predict_landmarks,
)
from .choice_value import neuron_subsets
from .classification import effective_classes, recognised, regressed_logits
from .comparison import compare_models, images_to_share, verification_differences, verify_networks
from .efficiency import ParameterCount, count_parameters, multiply_adds, weight_bytes
from .folds import evaluate_folds, people_in_several_folds
from .interval import Interval, holm
from .intervals import mean_interval, seed_interval, verification_interval
from .latency import Latencies, alternating_latencies, execution_modes
from .learning_speed import auc_by_images, times_as_fast
from .onnx import OnnxNetwork, check_onnx, export_onnx, quantise_onnx
from .retrieval import RetrievalResult, found_by_one, nearest_others, retrieve
from .runtimes import RuntimeCalls, runtime_calls
from .scores import compare_scores, magnitude, score_difference, tabulate
from .sentences import what_differs
from .structure import in_groups, layer_table, with_shared_filters
from .students import clipping_remarks, fidelity_remarks, training_quality
from .verification import VerificationResult, WrongPairs, equal_error_quantile, evaluate_pairs, verify, wrong_pairs

__all__ = [
    "NORMALISER",
    "Interval",
    "Latencies",
    "OnnxNetwork",
    "ParameterCount",
    "RetrievalResult",
    "RuntimeCalls",
    "VerificationResult",
    "WrongPairs",
    "alternating_latencies",
    "auc_by_images",
    "check_onnx",
    "clipping_remarks",
    "compare_models",
    "compare_scores",
    "count_parameters",
    "effective_classes",
    "equal_error_quantile",
    "errors_by_turn",
    "evaluate_folds",
    "evaluate_pairs",
    "execution_modes",
    "export_onnx",
    "fidelity_remarks",
    "found_by_one",
    "head_turn",
    "holm",
    "images_to_share",
    "in_groups",
    "layer_table",
    "magnitude",
    "mean_interval",
    "multiply_adds",
    "nearest_others",
    "neuron_subsets",
    "normalised_errors",
    "normalised_mean_errors",
    "people_in_several_folds",
    "predict_landmarks",
    "quantise_onnx",
    "recognised",
    "regressed_logits",
    "retrieve",
    "runtime_calls",
    "score_difference",
    "seed_interval",
    "tabulate",
    "times_as_fast",
    "training_quality",
    "verification_differences",
    "verification_interval",
    "verify",
    "verify_networks",
    "weight_bytes",
    "what_differs",
    "with_shared_filters",
    "wrong_pairs",
]
