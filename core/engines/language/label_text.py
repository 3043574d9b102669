"""Which label an answer in text names, and how the probability of its tokens spreads over the labels."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence

from core.engines.language.answer import TokenStep

# Below this share of the probability that could be told apart a row gets no soft labels.
MINIMUM_MASS = 0.9
_QUOTES = "\"'`*“”‘’«»「」『』【】[](){}<>"
_ENDS = ".,;:!。，；：！"
_SPACES = re.compile(r"[\s_\-]+")
_LEAD = re.compile(
    r"^.{0,40}?(?:label|category|class|answer|intent|标签|类别|分类|答案)\W{0,3}(?:is\b|是|为)?\W*", re.I
)


class LabelText:
    """The labels of a task, ready to be found in texts; case, quotation marks, hyphens and underscores do not count
    where the labels differ without them."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        plain = [_plain(label) for label in labels]
        told_apart = len(set(plain)) == len(plain) and all(plain)
        self._plain: Callable[[str], str] = _plain if told_apart else str.strip
        self._by_name = {self._plain(label): label for label in labels}

    def label_of(self, text: str) -> str | None:
        """The label that an answer names: as the whole of it, after "label:", or as the only label in it; else null.

        A label inside a longer label that is named too does not count.
        """
        exact = text.strip()
        if exact in self.labels:
            return exact
        whole = self._named(exact)
        if whole is not None:
            return whole
        lines = [line for line in exact.splitlines() if line.strip()]
        ends = {label for line in (lines[:1] + lines[-1:]) if (label := self._named(line)) is not None}
        if ends:
            return ends.pop() if len(ends) == 1 else None
        return self._only_one_within(exact)

    def _named(self, text: str) -> str | None:
        """The label that `text` consists of, perhaps after words such as "label:"."""
        return self._by_name.get(self._plain(text)) or self._by_name.get(self._plain(_LEAD.sub("", text)))

    def _only_one_within(self, text: str) -> str | None:
        within = self._plain(text)
        spans = [
            (match.start(), match.end(), label)
            for name, label in self._by_name.items()
            for match in re.finditer(_bounded(name), within)
        ]
        outer = {
            label
            for begin, end, label in spans
            if not any(a <= begin and end <= b and (b - a) > (end - begin) for a, b, _ in spans)
        }
        return outer.pop() if len(outer) == 1 else None

    def distribution(self, steps: Sequence[TokenStep]) -> dict[str, float] | None:
        """The probability of each label that the tokens of an answer tell of, adding up to 1; null where less than
        `MINIMUM_MASS` of the probability leads to exactly one label.

        Along the answer each alternative token leaves its path. Where the text so far with that token begins exactly
        one label, its probability belongs to that label; where the answer's own path does, the rest belongs to it.
        """
        mass: dict[str, float] = {}
        before, path = "", 1.0
        for step in steps:
            others = [pair for pair in step.alternatives if pair[0] != step.token]
            for token, value in others:
                self._credit(mass, before + token, path * math.exp(min(0.0, value)))
            before += step.token
            path *= math.exp(min(0.0, step.log_probability))
            if self._credit(mass, before, path):
                path = 0.0
                break
        ended = self._by_name.get(self._plain(before))
        if path > 0.0 and ended is not None:
            mass[ended] = mass.get(ended, 0.0) + path
        total = sum(mass.values())
        return {label: value / total for label, value in mass.items()} if total >= MINIMUM_MASS else None

    def _credit(self, mass: dict[str, float], text: str, probability: float) -> bool:
        """Give the probability to the only label that `text` begins; whether there is one."""
        label = self._begun(text)
        if label is None:
            return False
        mass[label] = mass.get(label, 0.0) + probability
        return True

    def _begun(self, text: str) -> str | None:
        """The only label that begins with `text`; where none does, the longest one that `text` goes on from."""
        whole = text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
        if any("\udc80" <= character <= "\udcff" for character in whole):
            return None
        begun = self._plain(whole)
        if not begun:
            return None
        fitting = [label for name, label in self._by_name.items() if name.startswith(begun)]
        if fitting:
            return fitting[0] if len(fitting) == 1 else None
        ended = [name for name in self._by_name if re.match(_bounded(name), begun) is not None]
        return self._by_name[max(ended, key=len)] if ended else None


def as_row(distribution: Mapping[str, float], labels: Sequence[str]) -> list[float]:
    """The probabilities in the order of `labels`; 0 for labels that are not told of."""
    return [distribution.get(label, 0.0) for label in labels]


def _plain(text: str) -> str:
    bare = text.strip().strip(_QUOTES + _ENDS).strip()
    return _SPACES.sub(" ", bare.strip(_QUOTES)).strip().casefold()


def _bounded(name: str) -> str:
    """A pattern for a label that is not part of a longer word; between Chinese characters there are no borders."""
    begin = r"(?<!\w)" if re.match(r"[A-Za-z0-9_]", name) else ""
    end = r"(?!\w)" if re.search(r"[A-Za-z0-9_]$", name) else ""
    return f"{begin}{re.escape(name)}{end}"
