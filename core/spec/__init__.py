"""The study file's schema: one YAML or JSON document declares a whole study.

`resources/study.schema.json` is generated from these models (`python -m core.spec`). Unknown keys are refused.
Money is in `criteria.cost.currency`, shares and qualities run from 0 to 1.

Map: `task` (task and data), `judging` and `checks` (of answers), `criteria`, `profiles`, `models` (where models come
from), `making` (training and compressing), `load` (under load), `learning_curve` (of one student), `retrieval` (the
user's documents), `suites` (tasks of lm-eval), `study` (candidates and the whole).
"""

from core.spec.base import Name, NonNegativeFloat, OpenShare, PositiveFloat, Seed, Share, SpecModel
from core.spec.checks import Checks, CitationCheck, FormatCheck, GroundednessCheck
from core.spec.criteria import KNOWN_PACKS, Complexity, Compliance, Cost, Criteria, Service
from core.spec.judging import Judge, JudgeModel
from core.spec.learning_curve import CurvePlan
from core.spec.load import LoadPlan
from core.spec.making import Dynamic, Lora, Prune, Quantize, Stage, Train, TrimVocabulary
from core.spec.models import (
    BaselineModel,
    CandidateModel,
    EndpointModel,
    GgufModel,
    HubModel,
    LayerChoice,
    LocalModel,
    Model,
    PredictionColumns,
    PredictionsModel,
    SampleModel,
    SweepModel,
    TeacherLayers,
    runs_under_llama_cpp,
    times_llama_cpp,
)
from core.spec.profiles import Api, PriceFromList, PricePerRequest, PricePerToken, Profile, SelfHosted
from core.spec.retrieval import Encoder, Retrieval
from core.spec.study import Candidate, Routing, Study, json_schema
from core.spec.suites import Suite
from core.spec.task import (
    METRICS_OF_KIND,
    PLUGIN_PREFIX,
    SCORED_LATER,
    WRITING_KINDS,
    Columns,
    Data,
    FewShot,
    Files,
    SplitPlan,
    Task,
)

__all__ = [
    "KNOWN_PACKS",
    "METRICS_OF_KIND",
    "PLUGIN_PREFIX",
    "SCORED_LATER",
    "WRITING_KINDS",
    "Api",
    "BaselineModel",
    "Candidate",
    "CandidateModel",
    "Checks",
    "CitationCheck",
    "Columns",
    "Complexity",
    "Compliance",
    "Cost",
    "Criteria",
    "CurvePlan",
    "Data",
    "Dynamic",
    "Encoder",
    "EndpointModel",
    "FewShot",
    "Files",
    "FormatCheck",
    "GgufModel",
    "GroundednessCheck",
    "HubModel",
    "Judge",
    "JudgeModel",
    "LayerChoice",
    "LoadPlan",
    "LocalModel",
    "Lora",
    "Model",
    "Name",
    "NonNegativeFloat",
    "OpenShare",
    "PositiveFloat",
    "PredictionColumns",
    "PredictionsModel",
    "PriceFromList",
    "PricePerRequest",
    "PricePerToken",
    "Profile",
    "Prune",
    "Quantize",
    "Retrieval",
    "Routing",
    "SampleModel",
    "Seed",
    "SelfHosted",
    "Service",
    "Share",
    "SpecModel",
    "SplitPlan",
    "Stage",
    "Study",
    "Suite",
    "SweepModel",
    "Task",
    "TeacherLayers",
    "Train",
    "TrimVocabulary",
    "json_schema",
    "runs_under_llama_cpp",
    "times_llama_cpp",
]
