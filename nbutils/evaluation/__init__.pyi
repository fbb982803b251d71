from .alignment import (
    NORMALISER as NORMALISER,
)
from .alignment import (
    errors_by_turn as errors_by_turn,
)
from .alignment import (
    head_turn as head_turn,
)
from .alignment import (
    normalised_errors as normalised_errors,
)
from .alignment import (
    predict_landmarks as predict_landmarks,
)
from .classification import (
    effective_classes as effective_classes,
)
from .classification import (
    mean_interval as mean_interval,
)
from .classification import (
    recognised as recognised,
)
from .classification import (
    regressed_logits as regressed_logits,
)
from .comparison import (
    compare_models as compare_models,
)
from .comparison import (
    steps_to_share as steps_to_share,
)
from .efficiency import (
    ParameterCount as ParameterCount,
)
from .efficiency import (
    count_parameters as count_parameters,
)
from .efficiency import (
    multiply_adds as multiply_adds,
)
from .efficiency import (
    weight_bytes as weight_bytes,
)
from .folds import evaluate_folds as evaluate_folds
from .latency import (
    Latencies as Latencies,
)
from .latency import (
    alternating_latencies as alternating_latencies,
)
from .latency import (
    ways_to_run as ways_to_run,
)
from .onnx import (
    OnnxNetwork as OnnxNetwork,
)
from .onnx import (
    check_onnx as check_onnx,
)
from .onnx import (
    export_onnx as export_onnx,
)
from .onnx import (
    quantise_onnx as quantise_onnx,
)
from .resampling import (
    BootstrapInterval as BootstrapInterval,
)
from .resampling import (
    bootstrap as bootstrap,
)
from .resampling import (
    paired_bootstrap as paired_bootstrap,
)
from .retrieval import (
    RetrievalResult as RetrievalResult,
)
from .retrieval import (
    found_by_one as found_by_one,
)
from .retrieval import (
    nearest_others as nearest_others,
)
from .retrieval import (
    retrieve as retrieve,
)
from .scores import (
    magnitude as magnitude,
)
from .scores import (
    score_difference as score_difference,
)
from .scores import (
    tabulate as tabulate,
)
from .structure import (
    in_groups as in_groups,
)
from .structure import (
    layer_table as layer_table,
)
from .verification import (
    VerificationResult as VerificationResult,
)
from .verification import (
    WrongPairs as WrongPairs,
)
from .verification import (
    equal_error_quantile as equal_error_quantile,
)
from .verification import (
    evaluate_pairs as evaluate_pairs,
)
from .verification import (
    wrong_pairs as wrong_pairs,
)

__all__ = [
    "NORMALISER",
    "BootstrapInterval",
    "Latencies",
    "OnnxNetwork",
    "ParameterCount",
    "RetrievalResult",
    "VerificationResult",
    "WrongPairs",
    "alternating_latencies",
    "bootstrap",
    "check_onnx",
    "compare_models",
    "count_parameters",
    "effective_classes",
    "equal_error_quantile",
    "errors_by_turn",
    "evaluate_folds",
    "evaluate_pairs",
    "export_onnx",
    "found_by_one",
    "head_turn",
    "in_groups",
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
    "score_difference",
    "steps_to_share",
    "tabulate",
    "ways_to_run",
    "weight_bytes",
    "wrong_pairs",
]
