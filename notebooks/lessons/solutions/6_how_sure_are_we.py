"""Solutions of lesson 6; each part stands for the cell of its name."""

# %% standard-error
import numpy as np


def standard_error(values):
    return float(np.std(values, ddof=1) / len(values) ** 0.5)


# %% seed-interval
from scipy import stats


def seed_interval(values):
    reach = stats.t.ppf(0.975, len(values) - 1) * standard_error(values)
    return values.mean() + np.array([-reach, reach])


# %% paired-error
def paired_error(first, second):
    return standard_error(first - second)


# %% people-error
def people_error(values, people):
    sums = np.bincount(people, weights=values - values.mean())
    return float(np.sqrt(np.square(sums).sum()) / len(values))


# %% verdict
def verdict(low, high):
    if low > 0:
        return "holds"
    return "does not hold" if high < 0 else "undecided"


# %% holm
def holm(p_values):
    order = np.argsort(p_values)
    steps = np.maximum.accumulate(p_values[order] * np.arange(len(order), 0, -1))
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(steps, 1)
    return corrected
