"""One setting of a search: the student's shape, and how it learns."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from core.spec import LayerChoice, SweepModel, TeacherLayers, Train

Setting = str | int | float | bool | None


class Settings(BaseModel):
    """What one training of a search is told, besides what all of them share."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    layers: int | tuple[int, ...]
    feed_forward: int | None
    trim_vocabulary: bool
    temperature: float
    alpha: float

    @property
    def shape(self) -> str:
        """The student's shape in words; students of one shape do the same arithmetic, whatever they have learnt."""
        return f"{self.layers_text}/{self.feed_forward}/{self.trim_vocabulary}"

    @property
    def layers_text(self) -> str:
        """A number of layers, or their indices, as text."""
        return layers_text(self.layers)

    def student(self, space: SweepModel) -> TeacherLayers:
        """The parts of the teacher that make the student of a search in `space`."""
        counted = isinstance(self.layers, int)
        return TeacherLayers(
            source="teacher",
            layers=self.layers if isinstance(self.layers, int) else list(self.layers),
            chosen_by=space.chosen_by if counted else "spacing",
            feed_forward=self.feed_forward,
            trim_vocabulary=self.trim_vocabulary,
        )

    def training(self, shared: Train) -> Train:
        """How the student is trained."""
        return shared.model_copy(update={"temperature": self.temperature, "alpha": self.alpha})

    def document(self, quantize: str | None) -> dict[str, Setting]:
        """The settings as a trial's record shows them; `quantize` null where it did not come to that."""
        own: dict[str, Setting] = {
            "layers": self.layers if isinstance(self.layers, int) else self.layers_text,
            "feed_forward": self.feed_forward,
            "trim_vocabulary": self.trim_vocabulary,
            "temperature": self.temperature,
            "alpha": self.alpha,
        }
        return own if quantize is None else own | {"quantize": quantize}


def layers_text(layers: LayerChoice | tuple[int, ...]) -> str:
    """A number of layers, or their indices, as text."""
    return str(layers) if isinstance(layers, int) else ", ".join(map(str, layers))


def largest(space: SweepModel, shared: Train) -> Settings:
    """The student with the most of the teacher, trained as the study says, as far as the ranges let it."""
    layers = max(space.layers, key=lambda choice: choice if isinstance(choice, int) else len(choice))
    widths = [width for width in space.feed_forward if width is not None]
    return Settings(
        layers=layers if isinstance(layers, int) else tuple(layers),
        feed_forward=None if None in space.feed_forward else max(widths),
        trim_vocabulary=False not in space.trim_vocabulary,
        temperature=min(max(shared.temperature, space.temperature[0]), space.temperature[1]),
        alpha=min(max(shared.alpha, space.alpha[0]), space.alpha[1]),
    )
