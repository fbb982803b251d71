from .any_network import ModuleSelection, select_from_module
from .baselines import METHODS, chosen_neurons, overlap, reduction
from .classes import ClassDiscriminativeness, class_discriminativeness
from .dead import dead_neurons
from .descriptors import hog_features, lbp_features
from .discriminativeness import attribute_discriminativeness, chance_level
from .mean_field_inference import MeanField, energy, mean_field, similarity
from .neurons import (
    GROUPS,
    LAMBDA,
    SELECTIVE_AT,
    NeuronSelection,
    choose_at_random,
    drop_inhibitive,
    neuron_groups,
    select_neurons,
    unary_costs,
)
from .stability import Stability, chance_overlap, stability_over_images, stability_over_lambda

__all__ = [
    "GROUPS",
    "LAMBDA",
    "METHODS",
    "SELECTIVE_AT",
    "ClassDiscriminativeness",
    "MeanField",
    "ModuleSelection",
    "NeuronSelection",
    "Stability",
    "attribute_discriminativeness",
    "chance_level",
    "chance_overlap",
    "choose_at_random",
    "chosen_neurons",
    "class_discriminativeness",
    "dead_neurons",
    "drop_inhibitive",
    "energy",
    "hog_features",
    "lbp_features",
    "mean_field",
    "neuron_groups",
    "overlap",
    "reduction",
    "select_from_module",
    "select_neurons",
    "similarity",
    "stability_over_images",
    "stability_over_lambda",
    "unary_costs",
]
