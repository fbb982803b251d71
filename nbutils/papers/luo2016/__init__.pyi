from .deeper_teachers import (
    fig4 as fig4,
)
from .deeper_teachers import (
    fig5 as fig5,
)
from .deeper_teachers import (
    fine_tuned as fine_tuned,
)
from .deeper_teachers import (
    large_face_data as large_face_data,
)
from .deeper_teachers import (
    region_t1 as region_t1,
)
from .deeper_teachers import (
    six_t1 as six_t1,
)
from .deeper_teachers import (
    t2 as t2,
)
from .example_network import torchvision_resnet as torchvision_resnet
from .luo2016_notebooks import (
    NOTEBOOKS as NOTEBOOKS,
)
from .luo2016_notebooks import (
    any_network_training as any_network_training,
)
from .luo2016_notebooks import (
    deeper_teacher_trainings as deeper_teacher_trainings,
)
from .luo2016_notebooks import (
    efficiency_training as efficiency_training,
)
from .luo2016_notebooks import (
    ensemble_trainings as ensemble_trainings,
)
from .luo2016_notebooks import (
    mnist_trainings as mnist_trainings,
)
from .luo2016_notebooks import (
    paper_size as paper_size,
)
from .luo2016_notebooks import (
    quickstart_trainings as quickstart_trainings,
)
from .luo2016_notebooks import (
    single_network_trainings as single_network_trainings,
)
from .luo2016_notebooks import (
    teacher_training as teacher_training,
)
from .multilayer_perceptrons import (
    TEMPERATURES as TEMPERATURES,
)
from .multilayer_perceptrons import (
    mnist as mnist,
)
from .region_figures import (
    network_inputs as network_inputs,
)
from .region_figures import (
    region_bars as region_bars,
)
from .region_figures import (
    region_boxes as region_boxes,
)
from .region_figures import (
    region_explorer as region_explorer,
)
from .region_values import (
    joined_auc as joined_auc,
)
from .region_values import (
    region_table as region_table,
)
from .single_network import (
    T1_CHOSEN as T1_CHOSEN,
)
from .single_network import (
    WITH_ATTRIBUTES as WITH_ATTRIBUTES,
)
from .single_network import (
    fig3 as fig3,
)
from .single_network import (
    fig3_attributes as fig3_attributes,
)
from .single_network import (
    quick_data as quick_data,
)
from .single_network import (
    quick_rows as quick_rows,
)
from .single_network import (
    student as student,
)
from .single_network import (
    t1 as t1,
)
from .student_rows import (
    LABELS as LABELS,
)
from .student_rows import (
    LOGITS as LOGITS,
)
from .student_rows import (
    NEURONS as NEURONS,
)
from .student_rows import (
    StudentRow as StudentRow,
)
from .student_rows import (
    soft_targets as soft_targets,
)
from .temperature_figures import (
    error_against_temperature as error_against_temperature,
)
from .temperature_figures import (
    temperature_line as temperature_line,
)

__all__ = [
    "LABELS",
    "LOGITS",
    "NEURONS",
    "NOTEBOOKS",
    "T1_CHOSEN",
    "TEMPERATURES",
    "WITH_ATTRIBUTES",
    "StudentRow",
    "any_network_training",
    "deeper_teacher_trainings",
    "efficiency_training",
    "ensemble_trainings",
    "error_against_temperature",
    "fig3",
    "fig3_attributes",
    "fig4",
    "fig5",
    "fine_tuned",
    "joined_auc",
    "large_face_data",
    "mnist",
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
    "teacher_training",
    "temperature_line",
    "torchvision_resnet",
]
