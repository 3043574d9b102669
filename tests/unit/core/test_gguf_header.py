from __future__ import annotations

from pathlib import Path

import gguf
import pytest

from core.gguf_header import scalars_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A header as the `gguf` package writes it, with arrays before and after the sizes."""
    path = tmp_path / "m.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_array("general.tags", ["one", "two"])
    writer.add_array("llama.widths", [3, 4, 5])
    writer.add_block_count(30)
    writer.add_float32("llama.rope.freq_base", 10000.0)
    writer.add_name("Smöl")
    writer.add_token_list(["a"] * 1000)
    writer.add_uint32("after.tokens", 1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def test_entries_before_the_tokenizer_are_read_without_arrays(file: Path) -> None:
    assert scalars_of(file) == {
        "general.architecture": "llama",
        "llama.block_count": 30,
        "llama.rope.freq_base": 10000.0,
        "general.name": "Smöl",
    }


@pytest.mark.parametrize("kept", [0, 3, 20, 60])
def test_a_file_that_is_cut_off_is_refused(file: Path, kept: int) -> None:
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"GGUF file|cut off"):
        scalars_of(file)


def test_a_broken_length_is_refused_before_it_is_read(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[24:32] = (2**60).to_bytes(8, "little")  # the length of the first key
    file.write_bytes(content)
    with pytest.raises(ValueError, match="a text of"):
        scalars_of(file)
