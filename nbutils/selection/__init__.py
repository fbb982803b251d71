"""Neuron selection of Luo et al. 2016: what every neuron tells, and which neurons a student should regress."""

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

__all__ = [
    "GROUPS",
    "SELECTIVE_AT",
    "ClassDiscriminativeness",
    "MeanField",
    "NeuronSelection",
    "OneNeuronClassifiers",
    "attribute_discriminativeness",
    "chance_level",
    "class_discriminativeness",
    "drop_inhibitive",
    "energy",
    "mean_field",
    "neuron_groups",
    "one_neuron_classifiers",
    "select_neurons",
    "similarity",
    "unary_costs",
]
