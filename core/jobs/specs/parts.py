"""What specs of several kinds of job hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.spec import Encoder, EndpointModel, GgufModel, HubModel, LocalModel, PredictionsModel, SampleModel

# A ready model whose weights lie on this machine, and one that answers wherever it runs.
LoadableModel = Annotated[HubModel | LocalModel | SampleModel | GgufModel, Field(discriminator="source")]
AnsweringModel = Annotated[
    HubModel | LocalModel | SampleModel | GgufModel | EndpointModel, Field(discriminator="source")
]


class Part(BaseModel):
    """A part of a spec: unknown keys are refused, and nothing is changed once it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataFile(Part):
    """One file of the user's data: its absolute path (no part of the identity) and the SHA-256 of its bytes."""

    path: str
    sha256: str


class PredictionsFile(Part):
    """One predictions file and its column names."""

    file: DataFile
    columns: PredictionsModel


class VendorPrice(Part):
    """What an endpoint's vendor takes, in `currency`: per million tokens, or per million requests. No part of the
    identity: it caps what a job may spend and changes no answer."""

    currency: str
    per_million_input_tokens: float | None = None
    per_million_output_tokens: float | None = None
    per_million_requests: float | None = None

    def money(self, requests: float, input_tokens: float, output_tokens: float) -> float:
        """The price of so many requests with so many tokens in all."""
        return (
            requests * (self.per_million_requests or 0.0)
            + input_tokens * (self.per_million_input_tokens or 0.0)
            + output_tokens * (self.per_million_output_tokens or 0.0)
        ) / 1_000_000.0


class TrainPart(Part):
    """A part of the train rows: whole groups in the order that `seed` draws, until `share` of the rows are there, so
    that a smaller part lies within a larger one of the same seed (`core.data.train_part`)."""

    share: float
    seed: int


class SweepLimits(Part):
    """What the criteria ask of a student: milliseconds, a share, and seconds of machine time that a request may take
    within the monthly budget; null where they ask nothing."""

    p95_latency_ms: float | None = None
    min_quality: float | None = None
    machine_seconds_per_request: float | None = None


class DocumentSource(Part):
    """The user's documents: a folder or a file, and the SHA-256 of all names and bytes in it. Of a table each row is a
    document, with its text in `column` and its name in `id_column`."""

    path: str
    sha256: str
    column: str | None = None
    id_column: str | None = None


class RetrievalUse(Part):
    """How passages are found in an index and put into a message; null for the usual `prompt`. `document_column` holds
    the name of the document that answers a row, where the data tells it; a passage has at most `chunk_words`."""

    method: Literal["hybrid", "bm25", "embeddings"]
    top_k: int
    chunk_words: int
    encoder: Encoder | None = None
    encoder_sha256: str | None = None
    query_prefix: str = ""
    prompt: str | None = None
    document_column: str | None = None
