"""What an endpoint's vendor takes for a candidate's requests, as the jobs that send them are told."""

from __future__ import annotations

from core.errors import UserError
from core.jobs.specs import VendorPrice
from core.prices import resolve_price
from core.spec import Api, Candidate, EndpointModel, Study


def vendor_price(study: Study, candidate: Candidate, model: object) -> VendorPrice | None:
    """The price of the candidate's API profile; null for what is no endpoint, or has no price.

    Raises UserError where the endpoint has a cap in money and no price to hold it against.
    """
    if not isinstance(model, EndpointModel):
        return None
    name = candidate.profile if candidate.profile is not None else next(iter(study.profiles))
    return _priced(study, name, model, candidate.name)


def judge_price(study: Study) -> VendorPrice | None:
    """The price of the judge's profile; null for a model on this machine. Raises UserError as `vendor_price` does."""
    judge, name = study.task.judge, study.judge_profile()
    if judge is None or name is None or not isinstance(judge.model, EndpointModel):
        return None
    return _priced(study, name, judge.model, "task.judge")


def _priced(study: Study, name: str, model: EndpointModel, asked: str) -> VendorPrice | None:
    profile, currency = study.profiles[name], study.criteria.cost.currency
    if not isinstance(profile, Api):
        if model.max_cost is not None:
            raise UserError("endpoint.cost_cap_unpriced", name=asked)
        return None
    try:
        price = resolve_price(name, profile, currency, None)
    except UserError:
        # Without a cap a missing price stops no planning: it is told where the study is priced.
        if model.max_cost is not None:
            raise
        return None
    return VendorPrice(
        currency=currency,
        per_million_input_tokens=price.per_million_input_tokens,
        per_million_output_tokens=price.per_million_output_tokens,
        per_million_requests=price.per_million_requests,
    )
