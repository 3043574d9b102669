"""Passages of the user's own documents, which candidates with `retrieval: true` are given with each request."""

from __future__ import annotations

import string
from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from core.spec.base import SpecModel
from core.spec.models import HubModel, LocalModel, SampleModel

CONTEXT, REQUEST = "context", "request"
"""The placeholders of `prompt`: the numbered passages, and what is asked without them."""

Encoder = Annotated[HubModel | LocalModel | SampleModel, Field(discriminator="source")]


class Retrieval(SpecModel):
    """An index over `documents`, and how passages are found in it for the input of a row.

    `documents` is a folder of text, Markdown, HTML and table files, or one such file. Of a table each row is a
    document: its text stands in `column`, its name in `id_column` (else it is the file's name and the row's number).
    Documents are cut between sentences into passages of at most `chunk_words` words, of which the last
    `overlap_words` begin the next one; a Chinese or Japanese character counts as a word. `hybrid` joins the ranks of
    BM25 and of the `encoder`'s embeddings; `bm25` needs no encoder. `prompt` is the whole message with `{context}`,
    the passages, numbered [1], [2] and so on, and `{request}`, what is asked without them.
    """

    documents: Annotated[str, Field(min_length=1)]
    column: str | None = None
    id_column: str | None = None
    chunk_words: PositiveInt = 120
    overlap_words: Annotated[int, Field(ge=0)] = 20
    method: Literal["hybrid", "bm25", "embeddings"] = "hybrid"
    top_k: Annotated[int, Field(ge=1, le=50)] = 3
    encoder: Encoder | None = None
    query_prefix: str = ""
    passage_prefix: str = ""
    prompt: str | None = None

    @model_validator(mode="after")
    def _overlap_is_smaller(self) -> Retrieval:
        if self.overlap_words >= self.chunk_words:
            raise ValueError("overlap_words must be below chunk_words, or a passage would never end")
        return self

    @model_validator(mode="after")
    def _embeddings_have_an_encoder(self) -> Retrieval:
        if self.method != "bm25" and self.encoder is None:
            raise ValueError(f"method {self.method} needs an encoder; name one, or choose method: bm25")
        return self

    @model_validator(mode="after")
    def _prompt_has_both_placeholders(self) -> Retrieval:
        if self.prompt is None:
            return self
        try:
            names = {name for _, name, _, _ in string.Formatter().parse(self.prompt) if name is not None}
        except ValueError as error:
            raise ValueError(
                f"prompt has a stray brace ({error}); write {{{{ and }}}} for braces of the text"
            ) from None
        if names != {CONTEXT, REQUEST}:
            raise ValueError("prompt needs the placeholders {context} and {request}, and no others")
        return self
