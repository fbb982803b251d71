from .deeper_teachers import fig4, fig5, fine_tuned, large_face_data, region_t1, six_t1, t2
from .example_network import torchvision_resnet
from .luo2016_notebooks import (
    NOTEBOOKS,
    any_network_trainings,
    deeper_teacher_trainings,
    digit_trainings,
    efficiency_trainings,
    ensemble_trainings,
    paper_size,
    quickstart_trainings,
    single_network_trainings,
    teacher_trainings,
)
from .multilayer_perceptrons import TEMPERATURES, mnist_trainings
from .region_figures import network_inputs, region_bars, region_boxes, region_explorer
from .region_values import joined_auc, region_table
from .single_network import T1_CHOSEN, WITH_ATTRIBUTES, fig3, fig3_attributes, quick_data, quick_rows, student, t1
from .student_rows import LABELS, LOGITS, NEURONS, StudentRow, soft_targets
from .temperature_figures import error_against_temperature, temperature_line

__all__ = [
    "LABELS",
    "LOGITS",
    "NEURONS",
    "NOTEBOOKS",
    "T1_CHOSEN",
    "TEMPERATURES",
    "WITH_ATTRIBUTES",
    "StudentRow",
    "any_network_trainings",
    "deeper_teacher_trainings",
    "digit_trainings",
    "efficiency_trainings",
    "ensemble_trainings",
    "error_against_temperature",
    "fig3",
    "fig3_attributes",
    "fig4",
    "fig5",
    "fine_tuned",
    "joined_auc",
    "large_face_data",
    "mnist_trainings",
    "network_inputs",
    "paper_size",
    "quick_data",
    "quick_rows",
    "quickstart_trainings",
    "region_bars",
    "region_boxes",
    "region_explorer",
    "region_t1",
    "region_table",
    "single_network_trainings",
    "six_t1",
    "soft_targets",
    "student",
    "t1",
    "t2",
    "teacher_trainings",
    "temperature_line",
    "torchvision_resnet",
]
