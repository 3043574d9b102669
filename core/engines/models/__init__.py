"""Models: one small protocol over everything that can answer, and the folders that hold them.

Map: `protocol` (what a classifier offers), `opening` (folder -> classifier), `torch_classifier`, `onnx_classifier`
(`core.engines.baseline.model` is the third), `tokenization` (texts -> padded token ids, without torch), `card`
(`tercet.json`: what a model folder says of itself), `weights` (where a study's model lies on this disk), `starting`
(weights to begin training with), `writing` (a trained model -> folder).

Nothing here loads torch before a torch model is opened.
"""

from core.engines.models.card import ModelCard, read_card, write_card
from core.engines.models.opening import open_classifier
from core.engines.models.protocol import Classifier

__all__ = ["Classifier", "ModelCard", "open_classifier", "read_card", "write_card"]
