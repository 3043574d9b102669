"""An OpenAI-compatible endpoint: several requests under way at once, each sent again where that may help."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from core.engines.language.answer import Answer
from core.engines.language.answer_store import Asked
from core.engines.language.endpoint_budget import Budget
from core.engines.language.endpoint_connection import open_client, told_error
from core.engines.language.endpoint_exchange import Exchange
from core.engines.language.endpoint_pacing import CONSECUTIVE_FAILURES, Pacing
from core.engines.language.endpoint_record import Record
from core.engines.language.endpoint_request import RequestForm
from core.engines.language.endpoint_round import OnAnswer, Round
from core.engines.language.endpoint_trouble import RefusedRequest, TransientTrouble, reach_of
from core.engines.language.generator import Generation
from core.engines.language.question import Message
from core.engines.language.token_guess import TokenGuess
from core.errors import UserError
from core.i18n import Value, english
from core.jobs.specs import VendorPrice
from core.keys import endpoint_key
from core.spec import EndpointModel

if TYPE_CHECKING:
    from httpx2 import AsyncClient

T = TypeVar("T")
Send = Callable[[Message], Awaitable[Answer]]

CONCURRENT_REQUESTS = 8
# How often one request is sent at most, and how long answers that are under way are waited for at the end.
ATTEMPTS = 5
GRACE_S = 10.0
_POLL_S = 0.1
# So many refusals before any answer say that it is not the row that is refused.
_FIRST_REFUSALS = 3
_TOLD_PAUSE_S = 5.0


class Endpoint:
    """Asks one model at one address; a context, which closes its connections.

    `top_logprobs` is how many alternatives of each token are wanted. `log` hears what the endpoint does not take;
    `should_stop` is asked ten times a second. `price` is what `max_cost` is held against. With `streams` answers come
    bit by bit, so that their tokens are timed. `sent` counts requests, those sent again included; `budget` what they
    cost. `connections` are the most at once. `short_answers` says that a label or a verdict is asked for.
    """

    def __init__(
        self,
        model: EndpointModel,
        max_output_tokens: int,
        top_logprobs: int = 0,
        log: Callable[[str], None] = lambda text: None,
        should_stop: Callable[[], bool] = lambda: False,
        price: VendorPrice | None = None,
        streams: bool = False,
        connections: int = CONCURRENT_REQUESTS,
        short_answers: bool = False,
    ) -> None:
        self._model = model
        self._form = RequestForm(model, max_output_tokens, top_logprobs, log, streams)
        self._log = log
        self._should_stop = should_stop
        # Alternatives are wanted of labels alone.
        self._guess = TokenGuess(max_output_tokens, top_logprobs > 0 or short_answers)
        self.budget = Budget(model.max_cost, price, self._guess)
        key = endpoint_key(model)
        self._reach = reach_of(model, key)
        self._runner = asyncio.Runner()
        self._client: AsyncClient = open_client(model, key, connections)
        self._exchange = Exchange(model, self._client, self._form, self._reach, log, keeps_steps=top_logprobs > 0)
        self._pacing = Pacing(model.requests_per_minute)
        self._record = Record(self._reach.url)
        self._probing = asyncio.Lock()
        self._doubted = False
        self._tried = False
        self._ending = False
        self._refusals = 0
        self._under_way: set[asyncio.Task[Any] | None] = set()
        self.sent = 0
        self.runtime = "endpoint"
        self.device = f"{model.model} @ {self._reach.url}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        told = self._record.told_failures(self.sent)
        if kind is None:
            self._form.tell_refused()
            if told is not None:
                self._log(told)
        self._runner.run(self._client.aclose())
        self._runner.close()

    def asked(self) -> Asked:
        """What names the answers of this model."""
        return self._form.asked()

    def check_cap(self, rows: int) -> None:
        """Raises UserError where so many requests are more than the study file allows; nothing is sent."""
        cap = self._model.max_requests
        if cap is not None and rows > cap:
            raise UserError("endpoint.cap", rows=rows, cap=cap)

    def answered_before(self, messages: Sequence[Message]) -> None:
        """Hear of messages that this endpoint answered to earlier attempts of a job."""
        self._record.answered_before(messages)

    def ask(self, messages: Sequence[Message], on_answer: OnAnswer) -> bool:
        """Ask all messages; whether it was not stopped before the end.

        `on_answer` gets each answer with the place of its message as soon as it is there, in any order; one that the
        endpoint refused or failed to give is `too_long` or `failed`. Requests go one at a time until one is answered:
        where the first fails, or the first three are refused, nothing more is sent. When it stops or fails, answers
        under way are waited for and handed over, for ten seconds. Raises UserError where the endpoint cannot be used.
        """
        self.check_cap(len(messages))
        return self._runner.run(self._ask_all(messages, on_answer))

    async def _ask_all(self, messages: Sequence[Message], on_answer: OnAnswer) -> bool:
        questions = Round(messages, self._answer, on_answer)
        self._ending = False
        try:
            while not self._should_stop():
                if not questions.start(CONCURRENT_REQUESTS if self._tried else 1):
                    return True
                await questions.wait(_POLL_S)
                questions.hand_over()
            await self._end(questions)
            return False
        except UserError:
            await self._end(questions)
            raise
        finally:
            await questions.cancel()

    async def _end(self, questions: Round) -> None:
        """Keep what is paid for already; nothing is sent any more, and how the rest fails is of no interest now."""
        self._ending = True
        with suppress(UserError, TransientTrouble):
            await questions.wait_for(lambda task: task in self._under_way, GRACE_S)

    async def _answer(self, message: Message) -> Answer:
        """The answer to a message, sent up to five times."""
        attempts = 0
        while True:
            try:
                answer = await self._paced(message)
            except RefusedRequest as refusal:
                if self._ending or refusal.too_long or not self._form.adapt(refusal.words):
                    return self._unanswered(refusal)
            except TransientTrouble as trouble:
                attempts += 1
                if self._ending:
                    raise trouble.given_up(self._pacing.failures) from trouble
                if self._pacing.exhausted or attempts >= ATTEMPTS:
                    return await self._given_up(message, trouble)
            else:
                self._form.accepted()
                self._record.answered(message)
                self._tried, self._refusals = True, 0
                return answer

    async def _given_up(self, message: Message, trouble: TransientTrouble) -> Answer:
        """No answer to a message that fails where others do not. Raises UserError where nobody answers at all, and
        where two fifths of all messages fail."""
        again = self._record.is_given_up(message)
        if await self._answers_others(until_sure=again):
            self._record.give_up(message)
            self._record.check(self.sent)
        elif again or self._pacing.exhausted or not self._tried:
            raise trouble.given_up(self._pacing.failures) from trouble
        self._record.give_up(message)
        return Answer(Generation("", finish_reason="failed"))

    async def _answers_others(self, *, until_sure: bool) -> bool:
        """Whether the endpoint answers now what it answered before: asked once, or until it does or has failed so often
        in a row that nothing more is to be sent."""
        async with self._probing:
            while self._pacing.failures and (known := self._record.known) is not None:
                if self._ending or (self._pacing.exhausted and self._doubted):
                    return False
                try:
                    await self._paced(known)
                except RefusedRequest:
                    return True
                except TransientTrouble:
                    self._doubted = True
                    if not until_sure:
                        return False
            return not self._pacing.failures

    def _unanswered(self, refusal: RefusedRequest) -> Answer:
        """The row that the endpoint does not take. Raises UserError where it takes none."""
        self._form.restore(refusal.words)
        if refusal.too_long:
            return Answer(Generation("", finish_reason="too_long"))
        self._refusals += 1
        # A filter may refuse the row that happens to come first; one that stops the job would stop it for ever.
        if self._refusals >= (CONSECUTIVE_FAILURES if self._tried else _FIRST_REFUSALS):
            raise self._reach.refused(refusal) from refusal
        return Answer(Generation("", finish_reason="failed"))

    async def _paced(self, message: Message) -> Answer:
        """One request, when it is its turn. Raises TransientTrouble, RefusedRequest and UserError."""
        await self._pacing.enter()
        task = asyncio.current_task()
        try:
            self._under_way.add(task)
            answer = await self._once(message)
            self._pacing.succeeded()
            self._doubted = False
            return answer
        except TransientTrouble as trouble:
            self._record.failed(trouble)
            self._tell_pause(trouble, self._pacing.failed(trouble.wait_s))
            raise
        except RefusedRequest:
            self._pacing.succeeded()
            raise
        finally:
            await self._pacing.leave()
            # Last of all: until then the answer is not safe from being dropped at the end.
            self._under_way.discard(task)

    def under_load(self, work: Callable[[Send], Coroutine[Any, Any, T]]) -> T:
        """What `work` returns, which gets a function that sends a message once, at once, beside any others under way.

        That function raises TransientTrouble, RefusedRequest, and UserError where nothing more is to be sent.
        """
        return self._runner.run(work(self._once))

    async def _once(self, message: Message) -> Answer:
        with self.budget.spending(message) as answers:
            answer = await self._sent_once(message)
            answers.append(answer.generation)
        return answer

    def _tell_pause(self, trouble: TransientTrouble, pause_s: float) -> None:
        if pause_s >= _TOLD_PAUSE_S:
            values: dict[str, Value] = {"failures": self._pacing.failures, "limit": CONSECUTIVE_FAILURES}
            self._log(english("endpoint.log.pause", seconds=round(pause_s), reason=trouble.reason, **values))

    async def _sent_once(self, message: Message) -> Answer:
        cap = self._model.max_requests
        if cap is not None and self.sent >= cap:
            raise UserError("endpoint.cap_reached", cap=cap)
        self.sent += 1
        try:
            return await self._exchange.answer(message)
        except (TransientTrouble, RefusedRequest, UserError):
            raise
        except Exception as error:
            told = told_error(error, self._reach, self._model)
            if told is None:
                raise
            raise told from error
