"""Two GPUs that compute on the CPU and are as strict as CUDA's: tensors of two of them never meet in one operation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

FIRST, SECOND = torch.device("cuda", 0), torch.device("cuda", 1)


class OnCard(torch.Tensor):
    """A tensor of one of the cards, `card`."""

    card: torch.device


def on_card(tensor: torch.Tensor, card: torch.device) -> torch.Tensor:
    """The tensor on a card, with its gradient asked for or not as before."""
    moved = tensor.as_subclass(OnCard)
    moved.card = card
    return moved


class TwoCards(TorchFunctionMode):
    """Within it, what is moved to `FIRST` or `SECOND`, or made there, is on it.

    Raises RuntimeError, as torch does, where tensors of two cards meet, or one of the CPU meets one of a card and is
    neither a number nor what chooses from it.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        options = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        if name == "__get__" and func == torch.Tensor.device.__get__:
            return args[0].card if isinstance(args[0], OnCard) else torch.device("cpu")
        if name == "cpu" or (name == "to" and _place(args[1:], options) is not None):
            place = torch.device("cpu") if name == "cpu" else _place(args[1:], options)
            options.pop("device", None)
            kept = [part for part in args if not _is_place(part)] if name == "to" else list(args[:1])
            with torch._C.DisableTorchFunction():
                plain = args[0].as_subclass(torch.Tensor)
                moved = plain.to(*kept[1:], **options) if kept[1:] or options else plain
            return moved if place is None or place.type == "cpu" else on_card(moved, _numbered(place))
        card = _only_card(name, [*args, *options.values()])
        made_on = _place((), options)
        if made_on is not None:
            card, options["device"] = _numbered(made_on), torch.device("cpu")
        with torch._C.DisableTorchFunction():
            found = func(*args, **options)
        return found if card is None or card.type == "cpu" else _tagged(found, card)


def _is_place(part: Any) -> bool:
    return isinstance(part, torch.device) or (isinstance(part, str) and part.split(":")[0] in ("cpu", "cuda"))


def _place(args: Iterable[Any], options: dict[str, Any]) -> torch.device | None:
    for part in (*args, options.get("device")):
        if _is_place(part):
            return torch.device(part)
    return None


def _numbered(place: torch.device) -> torch.device:
    return FIRST if place.type == "cuda" and place.index is None else place


def _tensors(parts: Iterable[Any]) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []
    for part in parts:
        if isinstance(part, torch.Tensor):
            found.append(part)
        elif isinstance(part, (list, tuple)):
            found += _tensors(part)
    return found


def _only_card(name: str, parts: Iterable[Any]) -> torch.device | None:
    tensors = _tensors(parts)
    cards = {part.card for part in tensors if isinstance(part, OnCard)}
    foreign = [part for part in tensors if not isinstance(part, OnCard) and part.dim() > 0]
    if len(cards) > 1 or (cards and foreign and name not in ("__getitem__", "__setitem__", "copy_")):
        raise RuntimeError(f"{name}: expected all tensors to be on the same device, found {sorted(map(str, cards))}")
    return next(iter(cards), None)


def _tagged(found: Any, card: torch.device) -> Any:
    if isinstance(found, torch.Tensor):
        return on_card(found, card)
    if isinstance(found, (list, tuple)) and any(isinstance(part, torch.Tensor) for part in found):
        # Lists, tuples and torch's own kinds of tuples are all made from one sequence.
        return type(found)([_tagged(part, card) for part in found])
    return found
