"""The parameters of the notebook that is running, from the cells that were executed."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from nbutils.errors import ParameterError

#: Every notebook has this parameter, and only its cell of parameters sets it.
_OUT_DIR = "out_dir"


def notebook_parameters(namespace: Mapping[str, object]) -> dict[str, object]:
    """The parameters of a running notebook by name, with the values that they have now.

    They are what the cell of parameters sets: of the executed cells, one that does nothing but `name = literal` and
    sets `out_dir`. papermill puts a second such cell after it.

    Args:
        namespace: The notebook's `globals()`, in which IPython keeps the executed cells as `In`.

    Raises:
        ParameterError: No such cell was executed.

    Example:
        >>> from nbutils.reporting.notebook_parameters import notebook_parameters
        >>> cells = ["", "preset = 'smoke'; out_dir = ''", "half = 1"]
        >>> notebook_parameters({"In": cells, "preset": "smoke", "out_dir": "", "half": 1})
        {'preset': 'smoke', 'out_dir': ''}
    """
    executed = namespace.get("In")
    cells = [_literals(cell) for cell in executed] if isinstance(executed, Iterable) else []
    names = dict.fromkeys(name for cell in cells if _OUT_DIR in cell for name in cell)
    if not names:
        raise ParameterError(
            "no cell of parameters was executed: expected globals() of a notebook, after the cell that sets out_dir"
        )
    return {name: namespace[name] for name in names if name in namespace}


def _literals(cell: object) -> list[str]:
    """The names that a cell sets, if it does nothing else; else none."""
    try:
        statements = ast.parse(str(cell)).body
    except SyntaxError:
        return []
    names = []
    for statement in statements:
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            return []
        (target,) = statement.targets
        if not isinstance(target, ast.Name) or not isinstance(statement.value, ast.Constant | ast.UnaryOp):
            return []
        names.append(target.id)
    return names
