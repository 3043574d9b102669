"""ONNX Runtime's execution providers: one runtime of Tercet for each, so that every figure names what it ran on."""

from __future__ import annotations

from typing import Any

from core.engines.machine import cpu_words
from core.engines.models.protocol import Runtime
from core.lazy import load

CPU: Runtime = "onnxruntime"
# https://onnxruntime.ai/docs/execution-providers: names as `get_available_providers` gives them.
PROVIDERS: dict[Runtime, str] = {
    CPU: "CPUExecutionProvider",
    "onnxruntime-cuda": "CUDAExecutionProvider",
    "onnxruntime-tensorrt": "TensorrtExecutionProvider",
    "onnxruntime-migraphx": "MIGraphXExecutionProvider",
    "onnxruntime-openvino": "OpenVINOExecutionProvider",
    "onnxruntime-directml": "DmlExecutionProvider",
    "onnxruntime-coreml": "CoreMLExecutionProvider",
    "onnxruntime-qnn": "QNNExecutionProvider",
    "onnxruntime-vitisai": "VitisAIExecutionProvider",
}
ON_NVIDIA: tuple[Runtime, ...] = ("onnxruntime-cuda", "onnxruntime-tensorrt")


def accelerated_runtimes() -> tuple[Runtime, ...]:
    """The runtimes beside the CPU's that the installed ONNX Runtime offers; whether one really runs shows when it is
    opened."""
    offered = set(load("onnxruntime").get_available_providers())
    return tuple(runtime for runtime, provider in PROVIDERS.items() if provider in offered and runtime != CPU)


def device_words(runtime: Runtime, threads: int) -> str:
    """What a session of `runtime` runs on, as a word for the user."""
    if runtime == CPU:
        return cpu_words(threads)
    return f"{PROVIDERS[runtime].removesuffix('ExecutionProvider')} (ONNX Runtime)"


def runs_on(session: Any, runtime: Runtime) -> bool:
    """Whether a session got the provider that was asked for: ONNX Runtime falls back to the CPU without an error."""
    providers: list[str] = session.get_providers()
    return providers[:1] == [PROVIDERS[runtime]]
