"""Deciding: pure functions of rows and criteria. The same evidence gives the same decision, byte for byte.

- `decision`: `decide`, the six steps from rows to a recommendation; `outcome`: what it says, as frozen values
- `systems`, `draws`: each candidate's figures on the shared rows, with their draws; `latency`: timed requests
- `cost`, `bills`: every cost formula, and what each system costs
- `one_off`: what is paid once; `baselines`: what a student kept, and what distillation added
- `policies`, `options`: hybrids at their operating points; every candidate priced and held against the gates
- `compliance`, `gates`: what excludes a candidate
- `front`, `value`, `choice`: Pareto front and frontier, value of information, and the choice itself
- `flips`, `break_even`, `measure_next`, `reasons`, `assumptions`, `rows`, `seeds`: what stands beside the choice
- `complexity`: the measured profile beside the stated one
- `overrides`: `--set` on criteria and profiles; `documents`: results and recommendation as JSON
"""

from core.decide.decision import decide
from core.decide.outcome import Decision

__all__ = ["Decision", "decide"]
