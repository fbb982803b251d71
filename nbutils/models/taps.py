"""Reading the output of any module of a network while the network runs."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from torch import nn

from nbutils.errors import ParameterError


class Taps:
    """Keeps what some modules of a network return.

    Args:
        network: Any.
        paths: Dotted paths of the modules, as `network.named_modules()` spells them.

    Raises:
        ParameterError: There is no such module; the nearest are named.

    Example:
        >>> import torch
        >>> network = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
        >>> taps = Taps(network, ["0"])
        >>> _ = network(torch.zeros(1, 2))
        >>> taps.take()["0"].shape
        torch.Size([1, 3])
    """

    def __init__(self, network: nn.Module, paths: Iterable[str]) -> None:
        self._seen: dict[str, object] = {}
        self._paths = tuple(dict.fromkeys(paths))
        modules = [find_module(network, path) for path in self._paths]
        self._handles = [
            module.register_forward_hook(lambda _module, _inputs, output, path=path: self._keep(path, output))
            for path, module in zip(self._paths, modules, strict=True)
        ]

    def take(self) -> dict[str, object]:
        """What each module returned since the last call, by its path; of several runs, the last.

        Raises:
            ParameterError: A module did not run when the network did.
        """
        seen, self._seen = self._seen, {}
        silent = [path for path in self._paths if path not in seen]
        if silent:
            raise ParameterError(
                f"module '{silent[0]}' does not run when the network does: expected one that responds to images"
            )
        return seen

    def remove(self) -> None:
        """Lets go of the modules."""
        for handle in self._handles:
            handle.remove()

    def _keep(self, path: str, output: object) -> None:
        self._seen[path] = output


def find_module(network: nn.Module, path: str) -> nn.Module:
    """The module at a dotted path.

    Raises:
        ParameterError: There is none; the nearest paths are named.
    """
    known: dict[str, nn.Module] = {name: module for name, module in network.named_modules() if name}
    if path in known:
        return known[path]
    near = get_close_matches(path, known, n=3, cutoff=0.4)
    if not near:
        near = [name for name in known if "." not in name]
    raise ParameterError(f"{type(network).__name__} has no module {path!r}: the nearest are {', '.join(near)}")
