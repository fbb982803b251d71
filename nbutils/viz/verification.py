"""Figures of verification and of learning: ROC curves, convergence, AUC against the temperature."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from nbutils.evaluation import VerificationResult


def roc(results: Mapping[str, VerificationResult]) -> Figure:
    """ROC curves, the rate of false acceptances on a logarithmic axis.

    Args:
        results: Model name to its result.
    """
    figure, ax = plt.subplots(figsize=(8.5, 4.5), layout="constrained")
    for colour, (name, result) in zip(sns.color_palette(n_colors=len(results)), results.items(), strict=True):
        label = f"{name} (AUC {100 * result.auc:.2f} %)"
        ax.plot(result.false_positive_rate, result.true_positive_rate, color=colour, label=label)
    least = max(1 / max((~result.same).sum() for result in results.values()), 1e-4)
    ax.set(
        xscale="log", xlim=(least, 1), ylim=(0, 1), xlabel="mismatched pairs accepted", ylabel="matched pairs accepted"
    )
    figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    ax.grid(alpha=0.3)
    plt.close(figure)
    return figure


def convergence(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """Training loss against optimiser steps, each as a share of its value after the first epoch.

    Args:
        histories: Model name to its history, with columns step and loss.
    """
    figure, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
    for colour, (name, history) in zip(sns.color_palette(n_colors=len(histories)), histories.items(), strict=True):
        ax.plot(history["step"], history["loss"] / history["loss"].iloc[0], color=colour, marker=".", label=name)
    ax.set(yscale="log", xlabel="optimiser steps", ylabel="loss ÷ loss after the first epoch")
    ax.legend(frameon=False, fontsize=8)
    ax.grid(alpha=0.3, which="both")
    plt.close(figure)
    return figure


def temperature_line(table: pd.DataFrame) -> Figure:
    """AUC against the temperature of the soft targets, ours with its interval and the paper's; logits at infinity.

    Args:
        table: Rows "soft t=…" and "logits"; columns AUC, low, high and "paper AUC" in percent.
    """
    temperatures = {str(name): float(str(name).removeprefix("soft t=")) for name in table.index if "soft" in str(name)}
    rows = table.loc[[*sorted(temperatures, key=temperatures.__getitem__), "logits"]]
    labels = [f"{temperatures[str(name)]:g}" for name in rows.index[:-1]] + ["∞ (logits)"]
    x = np.arange(len(rows))
    figure, (ours, paper) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    errors = np.stack([rows["AUC"] - rows["low"], rows["high"] - rows["AUC"]])
    ours.errorbar(x, rows["AUC"], yerr=errors, fmt="o-", capsize=4)
    paper.plot(x, rows["paper AUC"], "D-", color="tab:orange", fillstyle="none")
    for ax, title in ((ours, "ours, 95 % interval over pairs"), (paper, "paper, on its data")):
        ax.set(title=title, xlabel="temperature t", ylabel="AUC in percent", xlim=(-0.4, len(rows) - 0.6))
        ax.set_xticks(x, labels)
        ax.grid(axis="y", alpha=0.3)
    plt.close(figure)
    return figure
