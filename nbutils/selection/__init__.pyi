from .any_network import (
    ModuleSelection as ModuleSelection,
)
from .any_network import (
    select_from_module as select_from_module,
)
from .baselines import (
    METHODS as METHODS,
)
from .baselines import (
    chosen_neurons as chosen_neurons,
)
from .baselines import (
    overlap as overlap,
)
from .baselines import (
    reduction as reduction,
)
from .classes import (
    ClassDiscriminativeness as ClassDiscriminativeness,
)
from .classes import (
    class_discriminativeness as class_discriminativeness,
)
from .descriptors import (
    hog_features as hog_features,
)
from .descriptors import (
    lbp_features as lbp_features,
)
from .discriminativeness import (
    OneNeuronClassifiers as OneNeuronClassifiers,
)
from .discriminativeness import (
    attribute_discriminativeness as attribute_discriminativeness,
)
from .discriminativeness import (
    chance_level as chance_level,
)
from .discriminativeness import (
    one_neuron_classifiers as one_neuron_classifiers,
)
from .mean_field_inference import (
    MeanField as MeanField,
)
from .mean_field_inference import (
    energy as energy,
)
from .mean_field_inference import (
    mean_field as mean_field,
)
from .mean_field_inference import (
    similarity as similarity,
)
from .neurons import (
    GROUPS as GROUPS,
)
from .neurons import (
    LAMBDA as LAMBDA,
)
from .neurons import (
    SELECTIVE_AT as SELECTIVE_AT,
)
from .neurons import (
    NeuronSelection as NeuronSelection,
)
from .neurons import (
    drop_inhibitive as drop_inhibitive,
)
from .neurons import (
    neuron_groups as neuron_groups,
)
from .neurons import (
    select_neurons as select_neurons,
)
from .neurons import (
    unary_costs as unary_costs,
)
from .stability import (
    Stability as Stability,
)
from .stability import (
    chance_overlap as chance_overlap,
)
from .stability import (
    stability_over_images as stability_over_images,
)
from .stability import (
    stability_over_lambda as stability_over_lambda,
)

__all__ = [
    "GROUPS",
    "LAMBDA",
    "METHODS",
    "SELECTIVE_AT",
    "ClassDiscriminativeness",
    "MeanField",
    "ModuleSelection",
    "NeuronSelection",
    "OneNeuronClassifiers",
    "Stability",
    "attribute_discriminativeness",
    "chance_level",
    "chance_overlap",
    "chosen_neurons",
    "class_discriminativeness",
    "drop_inhibitive",
    "energy",
    "hog_features",
    "lbp_features",
    "mean_field",
    "neuron_groups",
    "one_neuron_classifiers",
    "overlap",
    "reduction",
    "select_from_module",
    "select_neurons",
    "similarity",
    "stability_over_images",
    "stability_over_lambda",
    "unary_costs",
]
