"""The gradient of embeddings that are the output head too: one table as large as the vocabulary and no second one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def one_gradient(model: Any, head: list[torch.Tensor]) -> Iterator[None]:
    """Within, a body that looks tokens up in the weights of its head puts in the place of `head`'s what `chunked_loss`
    is to send the head's gradient to.

    The gradient of looking up a batch's tokens is then added to the head's in place. Left to autograd, each of the two
    would be a table as large as the vocabulary, the one of the lookup almost empty, to be filled or copied each step.
    """
    lookup = model.get_input_embeddings()
    places = [place for place, weight in enumerate(head) if weight is getattr(lookup, "weight", None)]
    # A class of the family's own may do more to what it looks up.
    if not places or type(lookup) is not torch.nn.Embedding or lookup.max_norm or lookup.scale_grad_by_freq:
        yield
        return

    def of_both(_module: Any, inputs: tuple[torch.Tensor, ...], _output: torch.Tensor) -> Any:
        looked_up, head[places[0]] = _LookUp.apply(lookup.weight, inputs[0], lookup.padding_idx)  # type: ignore[no-untyped-call]  # untyped there
        return looked_up

    hook = lookup.register_forward_hook(of_both)
    try:
        yield
    finally:
        hook.remove()


class _LookUp(torch.autograd.Function):
    """Rows of a table, and the table itself: the gradients of both meet here."""

    @staticmethod
    def forward(
        context: Any, weight: torch.Tensor, ids: torch.Tensor, padding: int | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The rows of `ids`, shape (*ids.shape, width), and the weights as they are."""
        context.save_for_backward(ids)
        context.padding = padding
        return torch.nn.functional.embedding(ids, weight), weight.view_as(weight)

    @staticmethod
    def backward(context: Any, *gradients: Any) -> Any:
        """The sum of both; as in `torch.nn.Embedding`, looking up the padding teaches nothing."""
        of_rows, of_table = gradients
        (ids,) = context.saved_tensors
        flat, rows = ids.flatten(), of_rows.reshape(-1, of_rows.shape[-1]).to(of_table.dtype)
        if context.padding is not None:
            rows = rows.masked_fill((flat == context.padding)[:, None], 0.0)
        # In place, for `chunked_loss` made the table's gradient for this alone; accumulating is the same at every run.
        return of_table.index_put_((flat,), rows, accumulate=True), None, None
