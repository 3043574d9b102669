"""The handler of a label job: a language model answers the train rows, and what was answered once is never asked again.

Test rows are never sent.
"""

from __future__ import annotations

from core.engines.language.answer_store import answers_folder, open_answers
from core.engines.language.answers import finished_result, write_answers
from core.engines.language.asking import counted_seconds, waiting
from core.engines.language.labelling import Labelling, read_label_rows
from core.engines.language.request_estimate import told_estimate
from core.engines.language.respondents import EndpointRespondent, LocalRespondent, respondent_of
from core.i18n import english
from core.jobs.results import LabelResult
from core.jobs.specs import LabelParameters
from core.lazy import load
from core.worker.context import JobContext


def run(parameters: LabelParameters, context: JobContext) -> LabelResult:
    """Ask the model every train row; `answers.jsonl` of the job's folder has what it said.

    Raises Stopped, and UserError where the model cannot be asked or says nothing that can be learnt.
    """
    done = finished_result(context.folder, context.spec.job_id)
    if done is not None:
        context.started("CPU", done.rows)
        context.log(english("label.log.finished_before"))
        return done
    rows = read_label_rows(context.input_folder("data"), parameters.task)
    with counted_seconds(context.folder) as seconds, respondent_of(parameters, rows.weighed, context) as respondent:
        asked = respondent.asked()
        with open_answers(answers_folder(context.folder), asked, waiting(context)) as store:
            labelling = Labelling(rows, asked, store, context)
            labelling.begin(respondent.device)
            if labelling.missing:
                if isinstance(respondent, EndpointRespondent):
                    expected = labelling.estimate()
                    respondent.check_cost(expected, labelling.bought())
                    context.log(told_estimate(expected, parameters.price))
                elif isinstance(respondent, LocalRespondent):
                    fit = load("core.engines.distill.fit_check")
                    fit.check_labeller_fit(respondent.source, respondent.runtime, context)
                respondent.ask(rows.messages, labelling.missing, labelling.take)
            answered = labelling.answered()
            result = labelling.result(answered, seconds())
    write_answers(context.folder, context.spec.job_id, answered, rows.labels, parameters.reasoning, result)
    return result
