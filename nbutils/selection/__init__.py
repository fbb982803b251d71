"""Neuron selection of Luo et al. 2016: what every neuron tells, and which neurons a student should regress."""

from nbutils.selection.any_network import ModuleSelection, select_from_module
from nbutils.selection.baselines import METHODS, chosen_neurons, overlap, reduction
from nbutils.selection.classes import ClassDiscriminativeness, class_discriminativeness
from nbutils.selection.discriminativeness import (
    OneNeuronClassifiers,
    attribute_discriminativeness,
    chance_level,
    one_neuron_classifiers,
)
from nbutils.selection.mean_field import MeanField, energy, mean_field, similarity
from nbutils.selection.neurons import (
    GROUPS,
    SELECTIVE_AT,
    NeuronSelection,
    drop_inhibitive,
    neuron_groups,
    select_neurons,
    unary_costs,
)
from nbutils.selection.stability import Stability, chance_overlap, stability_over_images, stability_over_lambda

__all__ = [
    "GROUPS",
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
