"""What an endpoint has answered so far, what it failed, and when that is too little to go on."""

from __future__ import annotations

from collections.abc import Sequence

from core.engines.language.endpoint_trouble import TransientTrouble
from core.engines.language.question import Message
from core.errors import UserError
from core.i18n import english

# So many messages given up, by an endpoint that answers others, may be odd ones; where they are such a share of all, it
# is not they that are odd. Below one half: those that are given up come in later than those that are answered.
MANY_GIVEN_UP = 10
MOST_GIVEN_UP = 0.4


class Record:
    """The messages of one endpoint. `url` names it; `known` is one that it answered, null before it answered any."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._answered = 0
        self._failed_requests = 0
        self._reason = ""
        self._given_up: set[Message] = set()
        self.known: Message | None = None

    def answered_before(self, messages: Sequence[Message]) -> None:
        """Count what earlier attempts of a job were answered."""
        self._answered += len(messages)
        self.known = messages[0] if messages else self.known

    def answered(self, message: Message) -> None:
        """Count an answer."""
        self._answered += 1
        self._given_up.discard(message)
        self.known = message

    def failed(self, trouble: TransientTrouble) -> None:
        """Count a request that failed."""
        self._failed_requests += 1
        self._reason = trouble.reason

    def is_given_up(self, message: Message) -> bool:
        """Whether a message was given up before."""
        return message in self._given_up

    def give_up(self, message: Message) -> None:
        """Count a message that has no answer after all attempts."""
        self._given_up.add(message)

    def check(self, sent: int) -> None:
        """Raises UserError where an endpoint that answers some leaves two fifths of all messages unanswered, after so
        many requests."""
        given_up = len(self._given_up)
        rows = given_up + self._answered
        if given_up >= MANY_GIVEN_UP and given_up >= MOST_GIVEN_UP * rows:
            raise UserError(
                "endpoint.half_broken",
                url=self._url,
                given_up=given_up,
                rows=rows,
                failed=self._failed_requests,
                sent=sent,
                share=self._failed_requests / sent,
                reason=self._reason,
            )

    def told_failures(self, sent: int) -> str | None:
        """How many of so many requests failed, and what the last one said; null where none did."""
        if not self._failed_requests:
            return None
        return english(
            "endpoint.log.failed_share",
            failed=self._failed_requests,
            sent=sent,
            share=self._failed_requests / sent,
            reason=self._reason,
        )
