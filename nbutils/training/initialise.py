"""Starting from the weights of another training."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from nbutils.errors import ParameterError
from nbutils.models.base import FaceNetwork
from nbutils.training.spec import TrainingSpec


def check_initialisation(spec: TrainingSpec) -> None:
    """Refuses a predecessor whose network has other shapes, before either is trained.

    Raises:
        ParameterError: Naming both trainings and the first weights that disagree.
    """
    if spec.initialise_from is None:
        return
    own, theirs = (s.model.build_shapes(2) for s in (spec, spec.initialise_from))
    _matching(own, theirs.state_dict(), f"'{spec.name}' cannot start from '{spec.initialise_from.name}'")


def load_backbone(model: FaceNetwork, state: Mapping[str, Tensor]) -> None:
    """Loads another training's weights; a head of another size keeps the weights it has.

    Args:
        model: Loaded in place; its `heads` are the submodules that belong to a task.
        state: The other network's.

    Raises:
        ParameterError: If a weight outside the heads is missing, too many, or of another shape.
    """
    model.load_state_dict(_matching(model, state, "the initialisation does not fit"), strict=False)


def _matching(model: FaceNetwork, state: Mapping[str, Tensor], what: str) -> dict[str, Tensor]:
    own = model.state_dict()
    differing = [name for name in {**own, **state} if _shape(own, name) != _shape(state, name)]
    wrong = [name for name in differing if name.split(".")[0] not in model.heads]
    if wrong:
        shapes = "; ".join(f"{name}: {_shape(state, name)} for {_shape(own, name)}" for name in wrong[:3])
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ParameterError(f"{what}: expected weights of equal shapes, but {shapes}{more}")
    return {name: value for name, value in state.items() if name not in differing}


def _shape(state: Mapping[str, Tensor], name: str) -> tuple[int, ...] | None:
    return tuple(state[name].shape) if name in state else None
