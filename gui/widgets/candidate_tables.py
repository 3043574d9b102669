"""What is known of a candidate's fields beside their types: presentations, kinds, and which of them are common.

Keys are paths in a candidate; below `model` stands the source.
"""

from __future__ import annotations

from gui.study_edits.shapes import sweep_forms_of
from gui.widgets.fields import FieldKind, Presentation

PERCENT = Presentation("percent", 100)
SHOWN_AS: dict[str, Presentation] = {
    "model.endpoint.requests_per_minute": Presentation("per_minute"),
    "model.endpoint.timeout_s": Presentation("seconds"),
    "model.endpoint.max_requests": Presentation("requests"),
    "model.endpoint.max_cost": Presentation("money_job"),
    "model.endpoint.ca_file": Presentation(wide=True, files="*.pem *.crt *.cer"),
    "model.gguf.file": Presentation(wide=True, files="*.gguf"),
    "model.predictions.file": Presentation(wide=True, files="*.csv *.tsv *.jsonl *.parquet *.json"),
    "model.sweep.retain": PERCENT,
    "model.sweep.max_minutes": Presentation("minutes"),
    "model.sweep.trials": Presentation("trials"),
    "model.sweep.quantize": Presentation(suggestions=sweep_forms_of("classification"), closed=True),
    "model.teacher.feed_forward": Presentation("neurons"),
    "model.teacher.heads": Presentation("heads"),
    "train.batch_size": Presentation("rows"),
    "train.accumulate": Presentation("batches"),
    "train.max_length": Presentation("tokens"),
    "train.lora.dropout": PERCENT,
    "train.dynamic.stream": Presentation(wide=True, files="*.csv *.tsv *.jsonl *.parquet"),
    "train.dynamic.round_rows": Presentation("rows"),
    "train.dynamic.replay": PERCENT,
    "train.dynamic.held_out": PERCENT,
    "train.dynamic.margin": Presentation("points", 100),
    "train.dynamic.stop_after_rollbacks": Presentation("rounds"),
    "train.dynamic.drift_margin": Presentation("points", 100),
    "policies": Presentation(suggestions=("cascade", "router"), closed=True),
    "compress.prune": PERCENT,
    "compress.rungs": Presentation("rungs"),
    "compress.epochs": Presentation("epochs"),
    "stages.feed_forward": Presentation("neurons"),
}
KINDS: dict[str, FieldKind] = {
    "model.local.path": FieldKind.PATH,
    "model.gguf.file": FieldKind.PATH,
    "model.predictions.file": FieldKind.PATH,
    "model.endpoint.ca_file": FieldKind.PATH,
    "model.endpoint.headers": FieldKind.PAIRS,
    "model.endpoint.body": FieldKind.JSON,
    "model.teacher.layers": FieldKind.LAYERS,
    "model.sweep.layers": FieldKind.LAYER_CHOICES,
    "model.sweep.feed_forward": FieldKind.WIDTHS,
    "model.sweep.trim_vocabulary": FieldKind.FLAGS,
    "model.sweep.temperature": FieldKind.RANGE,
    "model.sweep.alpha": FieldKind.RANGE,
    "model.candidate.name": FieldKind.CHOICE,
    "train.teacher": FieldKind.CHOICE,
    "train.seeds": FieldKind.INTEGERS,
    "train.stages": FieldKind.STAGES,
    "train.lora": FieldKind.FLAG,
    "train.dynamic": FieldKind.FLAG,
    "train.dynamic.stream": FieldKind.PATH,
    "stages.layers": FieldKind.LAYERS,
    "profile": FieldKind.CHOICE,
    "teacher": FieldKind.CHOICE,
    "student": FieldKind.CHOICE,
    "compress": FieldKind.STEPS,
}
# Per source: the fields that most people need; the rest stand under "More".
COMMON_OF_MODEL: dict[str, tuple[str, ...]] = {
    "teacher": ("layers",),
    "candidate": ("name",),
    "hub": ("id",),
    "local": ("path",),
    "gguf": ("file",),
    "sample": ("id",),
    "endpoint": ("base_url", "model", "key_env", "key_name"),
    "baseline": ("kind",),
    "sweep": ("trials", "retain", "max_minutes"),
    "predictions": ("file",),
}
COMMON_OF_TRAIN = {
    "distill": ("teacher", "technique", "epochs", "temperature", "alpha", "seeds"),
    "fine_tune": ("epochs", "seeds"),
}
OTHER_OF_TRAIN = (
    "learning_rate",
    "batch_size",
    "accumulate",
    "max_length",
    "seed",
    "gradient_checkpointing",
    "weighted",
)
OTHER_OF_DISTILL = ("hidden_weight", "reasoning", "top_k", "hard_label_baseline", "stages", "lora", "dynamic")
