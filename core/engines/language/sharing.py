"""What requests begin with alike, on token ids."""

from __future__ import annotations

from collections.abc import Sequence

# Below it the reading of an opening costs less than keeping it.
MINIMUM_OPENING_TOKENS = 16


def shared_opening(prompts: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """The tokens that all prompts begin with, leaving each at least one of its own; none where there is only one prompt
    or they are too few to be worth it."""
    if len(prompts) < 2:
        return ()
    first, last = (list(prompt) for prompt in (min(prompts, key=list), max(prompts, key=list)))
    most = min(len(prompt) for prompt in prompts) - 1
    count = next((place for place in range(most) if first[place] != last[place]), most)
    return tuple(first[:count]) if count >= MINIMUM_OPENING_TOKENS else ()
