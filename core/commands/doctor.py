"""`tercet doctor`: what of this machine works, and what to do about the rest."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from core.commands import console
from core.errors import UserError
from core.i18n import english
from core.lazy import extra_of, is_installed, load

_GIB = 2**30
# Module -> the name under which it is installed.
_LIBRARIES = {
    "torch": "torch",
    "transformers": "transformers",
    "safetensors": "safetensors",
    "accelerate": "accelerate",
    "onnxruntime": "onnxruntime",
    "onnx": "onnx",
    "onnxscript": "onnxscript",
    "peft": "peft",
    "optuna": "optuna",
    "gguf": "gguf",
    "trl": "trl",
    "lm_eval": "lm-eval",
    "torchao": "torchao",
    "pynvml": "nvidia-ml-py",
    "httpx2": "httpx2",
    "keyring": "keyring",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: whether it works, what was found, and what to do where it does not."""

    topic: str
    works: bool
    found: str
    remedy: str | None = None


def show(*, as_json: bool) -> None:
    """Print every finding, those that need something last."""
    findings = sorted(examine(), key=lambda one: not one.works)
    if as_json:
        console.print_json({"findings": [asdict(one) for one in findings]})
        return
    for one in findings:
        mark = english("doctor.works" if one.works else "doctor.lacks")
        console.say(f"{mark:<8} {one.topic}: {one.found}" + (f"; {one.remedy}" if one.remedy else ""))


def examine() -> Iterator[Finding]:
    """Everything that a study may need, looked at now. Loads torch where it is installed."""
    yield _machine()
    yield from _devices()
    yield from map(_library, _LIBRARIES)
    yield _llama_cpp()
    yield _providers()
    yield _model_cache()
    yield _keychain()
    yield _energy()
    yield _disk()


def _machine() -> Finding:
    memory = psutil.virtual_memory()
    found = english(
        "doctor.machine",
        system=f"{platform.system()} {platform.machine()}",
        cores=psutil.cpu_count(logical=False) or os.cpu_count() or 1,
        total=f"{memory.total / _GIB:.1f}",
        free=f"{memory.available / _GIB:.1f}",
    )
    return Finding(english("doctor.topic.machine"), True, found)


def _devices() -> Iterator[Finding]:
    topic = english("doctor.topic.device")
    if not is_installed("torch"):
        yield Finding(topic, False, english("doctor.no_torch"), english("doctor.install", extra="engine"))
        return
    torch: Any = load("torch")
    try:
        device: Any = load("core.engines.device").choose_device()
    except UserError as error:
        yield Finding(topic, False, error.text)
        return
    yield Finding(
        topic,
        True,
        english("doctor.device", device=device.description, precision=device.precision, torch=torch.__version__),
    )
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        major, minor = torch.cuda.get_device_capability(index)
        figures = {"free": f"{free / _GIB:.1f}", "total": f"{total / _GIB:.1f}", "capability": f"{major}.{minor}"}
        name = torch.cuda.get_device_name(index)
        yield Finding(
            f"cuda:{index}", True, english("doctor.gpu", name=name, driver=str(torch.version.cuda), **figures)
        )


def _library(module: str) -> Finding:
    topic = english("doctor.topic.library", name=module)
    if not is_installed(module):
        return Finding(topic, False, english("doctor.missing"), english("doctor.install", extra=extra_of(module)))
    return Finding(topic, True, metadata.version(_LIBRARIES[module]))


def _llama_cpp() -> Finding:
    topic = english("doctor.topic.llama_cpp")
    if not is_installed("llama_cpp"):
        return Finding(topic, False, english("doctor.missing"), english("doctor.install_built", extra="llama-cpp"))
    llama_cpp: Any = load("core.engines.language.llama_cpp_model")
    version, device = llama_cpp.library_words(), llama_cpp.device_words()
    return Finding(topic, True, english("doctor.llama_cpp", version=version, device=device))


def _providers() -> Finding:
    topic = english("doctor.topic.providers")
    if not is_installed("onnxruntime"):
        return Finding(topic, False, english("doctor.missing"), english("doctor.install", extra="engine"))
    return Finding(topic, True, ", ".join(load("onnxruntime").get_available_providers()))


def _model_cache() -> Finding:
    topic = english("doctor.topic.cache")
    if not is_installed("huggingface_hub"):
        return Finding(topic, False, english("doctor.missing"), english("doctor.install", extra="engine"))
    constants: Any = load("huggingface_hub.constants")
    folder = Path(constants.HF_HUB_CACHE)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    state = english("doctor.offline" if constants.is_offline_mode() else "doctor.online")
    return Finding(topic, True, english("doctor.cache", path=str(folder), size=f"{size / _GIB:.1f}", state=state))


def _keychain() -> Finding:
    topic = english("doctor.topic.keychain")
    if not is_installed("keyring"):
        return Finding(topic, False, english("doctor.missing"), english("doctor.install", extra="endpoint"))
    keyring: Any = load("keyring")
    backend = keyring.get_keyring()
    usable = float(getattr(backend, "priority", 0)) > 0
    name = f"{type(backend).__module__}.{type(backend).__name__}"
    return Finding(topic, usable, name, None if usable else english("doctor.no_keychain"))


def _energy() -> Finding:
    energy: Any = load("core.engines.benchmark.energy")
    on_gpu = is_installed("torch") and bool(load("torch").cuda.is_available())
    count = len(energy.counters(on_gpu))
    found = english("doctor.counters", count=count)
    return Finding(english("doctor.topic.energy"), count > 0, found, None if count else english("doctor.no_counters"))


def _disk() -> Finding:
    usage = shutil.disk_usage(Path.cwd())
    figures = {"path": str(Path.cwd()), "free": f"{usage.free / _GIB:.1f}"}
    enough = usage.free > 5 * _GIB
    remedy = None if enough else english("doctor.little_disk")
    return Finding(english("doctor.topic.disk"), enough, english("doctor.disk", **figures), remedy)
