"""The tiny data set of the training tests, which has no key points."""

from tests.unit.training.conftest import data

__all__ = ["data"]
