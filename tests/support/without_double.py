"""A device without double precision, as Apple's GPU is, played by the CPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_DOUBLE = (torch.float64, "torch.DoubleTensor")


class WithoutDouble(TorchFunctionMode):
    """Within it every tensor counts as being on such a device until `cpu()` brings it to the processor: before that it
    cannot become double."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """What the function gives. Raises TypeError in Metal's words."""
        named, name = kwargs or {}, getattr(func, "__name__", "")
        to_double = name == "double" or (
            name in ("to", "type") and any(one in _DOUBLE for one in (*args[1:], *named.values()))
        )
        if to_double and not hasattr(args[0], "is_brought"):
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64")
        found = func(*args, **named)
        if name == "cpu":
            # A tensor that is on the processor comes back itself, and what it is a copy of is not brought.
            found = found.clone()
            found.is_brought = True
        return found
