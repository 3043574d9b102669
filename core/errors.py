"""Two kinds of errors: the user's world, told in one sentence with its remedy, and our bugs, told with a traceback."""

from __future__ import annotations

from core.i18n import Sentence, Value, english


def told(error: Exception) -> str:
    """What an error says: a sentence of the catalogues where it was raised with one, else its own words."""
    words = error.args[0] if error.args else None
    return words if isinstance(words, Sentence) else str(error)


class UserError(Exception):
    """The user's input or environment is wrong; nothing was lost.

    `code` names an entry of the catalogues in `resources/i18n`, `values` fill it. The sentence names the field,
    file or row, and the remedy. The command line prints the English one, the window its own language's.
    """

    def __init__(self, code: str, **values: Value) -> None:
        self.code = code
        self.values = values
        super().__init__(english(code, **values))

    @property
    def text(self) -> Sentence:
        """The English sentence, on one line."""
        return Sentence(" ".join(str(self).split()), self.code, self.values)
