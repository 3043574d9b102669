from core.decide.outcome import message
from core.decide.told_together import told_together


def test_candidates_that_one_option_dominates_share_a_sentence() -> None:
    first = message("decide.reason.meets_limits", candidate="teacher")
    small, other, floor = (
        message("decide.reason.dominated", candidate=name, by=by)
        for name, by in (("small", "teacher"), ("other", "floor"), ("tiny", "teacher"))
    )
    told = told_together([small, first, other, floor])
    assert [entry.text for entry in told] == [
        "small, tiny are dominated: teacher is no worse and costs no more for a right answer",
        "teacher meets every limit that the study sets",
        "other is dominated: floor is no worse and costs no more for a right answer",
    ]


def test_reasons_with_figures_of_their_own_stay_apart() -> None:
    less = [message("decide.reason.less_benefit", candidate=name, less=5.0, currency="USD") for name in ("a", "b")]
    assert told_together(less) == tuple(less)
