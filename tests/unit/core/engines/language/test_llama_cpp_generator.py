"""Language models under llama.cpp: the same requests, the same rules of answering, and answers of their own."""

from __future__ import annotations

import threading
from pathlib import Path

import fake_llama_cpp
import numpy as np
import pytest
from fake_llama_cpp import END, NAMES, TRAINED_TOKENS, Llama, logits_after
from job_context import job_context
from tiny_gguf import write_gguf
from tiny_language_models import CHAT_TEMPLATE, character_tokenizer

from core.engines.language.chat_template import asked_in_chat
from core.engines.language.kept_generator import kept_generator
from core.engines.language.llama_cpp_generator import LlamaCppGenerator
from core.engines.language.local import answering_runtime, open_generator, settings_of
from core.engines.language.opening import open_language_tokenizer
from core.engines.language.prompts import completion_ids, prompt_ids
from core.engines.language.torch_generator import TorchGenerator
from core.errors import UserError
from core.jobs.specs import BenchmarkParameters
from core.lazy import is_installed
from core.spec import GgufModel, HubModel, SampleModel, Task

MESSAGES = ("please tell me: my card is lost", "please tell me: the rate", "please tell me: money")
LABELS = ("card", "cash", "loan", "l")
REAL = is_installed("llama_cpp")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[Llama]:
    return fake_llama_cpp.install(monkeypatch)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(b"GGUF" + bytes(60))
    return path


def asked(message: str) -> list[int]:
    """The tokens of a message in the fake's template."""
    return [fake_llama_cpp.BEGIN, fake_llama_cpp.MARK, *message.encode(), fake_llama_cpp.MARK]


def written(message: str, limit: int) -> tuple[str, list[float]]:
    """The greedy answer by the fake's own logits, and the logarithm of each token's probability."""
    tokens = asked(message)
    answer: list[int] = []
    values: list[float] = []
    while len(answer) < limit:
        logits = logits_after(tokens).astype(np.float64)
        token = int(logits.argmax())
        values.append(float(logits[token] - np.log(np.exp(logits).sum())))
        answer.append(token)
        tokens.append(token)
        if token == END:
            break
    return bytes(token for token in answer if token not in NAMES).decode(), values


def test_an_answer_is_the_most_probable_token_at_each_place_until_the_end_token(fake: type[Llama], file: Path) -> None:
    generator = LlamaCppGenerator(file)
    for message, said in zip(MESSAGES, generator.generate(MESSAGES, 40), strict=True):
        text, values = written(message, 40)
        assert said.text == text
        assert (said.input_tokens, said.output_tokens) == (len(asked(message)), len(values))
        assert said.finish_reason == ("stop" if len(values) < 40 else "length")
        assert said.mean_log_probability == pytest.approx(np.mean(values), abs=1e-5)
        assert said.inter_token_ms is not None
        assert len(said.inter_token_ms) == len(values) - 1
        assert said.time_to_first_token_ms is not None
        assert said.latency_ms is not None
        assert said.time_to_first_token_ms <= said.latency_ms


def test_what_requests_begin_with_is_read_once_and_changes_no_answer(fake: type[Llama], file: Path) -> None:
    alone = LlamaCppGenerator(file).generate(MESSAGES, 8)
    generator = LlamaCppGenerator(file)
    generator.share_opening(MESSAGES)
    shared = generator.generate(MESSAGES, 8)
    assert [one.text for one in shared] == [one.text for one in alone]
    assert np.allclose(generator.classify(MESSAGES, LABELS), LlamaCppGenerator(file).classify(MESSAGES, LABELS))
    opening = len(asked("please tell me: ")) - 1
    reads = fake.opened[1].read
    assert reads.count(opening) == 1
    assert max(reads[1:]) <= max(len(asked(message)) for message in MESSAGES) - opening


def test_a_label_s_probability_is_that_of_its_tokens_with_the_end_token(fake: type[Llama], file: Path) -> None:
    def joint(message: str, label: str) -> float:
        tokens, total = asked(message), 0.0
        for token in [*label.encode(), END]:
            logits = logits_after(tokens).astype(np.float64)
            total += float(logits[token] - np.log(np.exp(logits).sum()))
            tokens.append(token)
        return total

    found = LlamaCppGenerator(file).classify(MESSAGES, LABELS)
    expected = np.array([[joint(message, label) for label in LABELS] for message in MESSAGES])
    likely = np.exp(expected - expected.max(axis=1, keepdims=True))
    assert np.allclose(found, likely / likely.sum(axis=1, keepdims=True), atol=1e-5)


def test_a_model_that_cannot_forget_reads_again_and_answers_alike(
    monkeypatch: pytest.MonkeyPatch, fake: type[Llama], file: Path
) -> None:
    expected = LlamaCppGenerator(file).classify(MESSAGES, LABELS)
    fake_llama_cpp.install(monkeypatch, recurrent=True)
    generator = LlamaCppGenerator(file)
    generator.share_opening(MESSAGES)
    assert np.allclose(generator.classify(MESSAGES, LABELS), expected)


def test_room_is_made_for_what_will_be_asked_and_for_what_nobody_foresaw(fake: type[Llama], file: Path) -> None:
    generator = LlamaCppGenerator(file, requests=["x" * 700], answer_tokens=20)
    assert [one.room for one in fake.opened] == [512, 768]
    text = generator.generate(["y" * 1000], 4)[0].text
    assert text == written("y" * 1000, 4)[0]
    assert [one.closed for one in fake.opened] == [True, True, False]
    assert fake.opened[-1].room <= TRAINED_TOKENS


def test_a_request_that_does_not_fit_is_told_and_the_others_are_answered(fake: type[Llama], file: Path) -> None:
    generator = LlamaCppGenerator(file)
    long = "x" * TRAINED_TOKENS
    said = generator.generate([long, MESSAGES[0]], 4)
    assert (said[0].finish_reason, said[0].text) == ("too_long", "")
    assert said[1].text == written(MESSAGES[0], 4)[0]
    with pytest.raises(UserError) as refused:
        generator.classify([long], LABELS)
    assert refused.value.code == "language.prompt_too_long"


def test_several_threads_are_answered_one_after_the_other(fake: type[Llama], file: Path) -> None:
    generator = LlamaCppGenerator(file)
    said: dict[str, str] = {}

    def ask(message: str) -> None:
        said[message] = generator.generate([message], 12)[0].text

    threads = [threading.Thread(target=ask, args=(message,)) for message in MESSAGES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == {message: written(message, 12)[0] for message in MESSAGES}


def test_an_answer_ends_where_the_job_is_stopped(fake: type[Llama], file: Path) -> None:
    steps = 0

    def end() -> None:
        nonlocal steps
        steps += 1
        if steps > 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LlamaCppGenerator(file, end).generate(MESSAGES, 40)
    assert steps == 3


def test_layers_go_to_a_gpu_where_the_build_can_use_one_and_nobody_asked_for_the_cpu(
    monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    fake = fake_llama_cpp.install(monkeypatch, offloads=True)
    monkeypatch.delenv("TERCET_DEVICE", raising=False)
    assert LlamaCppGenerator(file).device == "GPU (llama.cpp)"
    monkeypatch.setenv("TERCET_DEVICE", "cuda:1")
    LlamaCppGenerator(file)
    monkeypatch.setenv("TERCET_DEVICE", "cpu")
    assert LlamaCppGenerator(file).device.startswith("CPU")
    chosen = [(one.options.get("n_gpu_layers"), one.options.get("main_gpu")) for one in fake.opened]
    assert chosen == [(-1, None), (-1, 1), (None, None)]


def test_without_a_chat_template_the_message_stands_as_it_is(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    fake = fake_llama_cpp.install(monkeypatch, template=None)
    generator = LlamaCppGenerator(file)
    assert generator.token_counts(["rate"]) == [5]
    generator.classify(["rate"], ["ab"])
    assert fake.opened[0].seen == [fake_llama_cpp.BEGIN, *b"rate ab"]


def test_the_answers_of_two_runtimes_never_cross_in_one_store(fake: type[Llama], tmp_path: Path, file: Path) -> None:
    parameters = BenchmarkParameters(task=Task(kind="generation", metric="exact_match", prompt="{text}"))
    context = job_context(tmp_path / "study.tercet.d" / "jobs" / "j", parameters, {})
    generator = LlamaCppGenerator(file)
    with kept_generator(generator, file, context) as kept:
        kept.generate(MESSAGES[:1], 4)
    generator.runtime = "torch"
    with kept_generator(generator, file, context) as kept:
        kept.generate(MESSAGES[:1], 4)
        assert kept.kept == 0
    assert settings_of("torch") == {}
    assert settings_of("llama.cpp") == {"runtime": "llama.cpp", "library": "llama-cpp-python 0.0"}


def test_the_study_says_whose_answers_are_the_model_s_own() -> None:
    assert answering_runtime(GgufModel(source="gguf", file="m.gguf", runtime="llama.cpp")) == "llama.cpp"
    for other in (GgufModel(source="gguf", file="m.gguf"), SampleModel(source="sample", id="x", runtime="torch")):
        assert answering_runtime(other) == "torch"
    assert answering_runtime(HubModel(source="hub", id="a/b")) == "torch"


def test_the_chat_template_is_rendered_as_transformers_renders_it() -> None:
    template = (
        CHAT_TEMPLATE
        + "{% for x in [1, 2] %}\n  {% if x == 2 %}{% break %}{% endif %}\n{{ {'é': x} | tojson }}{% endfor %}"
    )
    tokenizer = character_tokenizer(template)
    conversation = [{"role": "user", "content": "my card"}]
    expected = tokenizer.apply_chat_template(conversation, add_generation_prompt=True, tokenize=False)
    assert asked_in_chat(template, "my card", {"bos_token": "<s>", "eos_token": "</s>"}) == expected


def test_a_template_that_refuses_the_message_is_told(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    fake_llama_cpp.install(monkeypatch, template="{{ raise_exception('no user') }}")
    with pytest.raises(UserError, match="no user"):
        LlamaCppGenerator(file).generate(["x"], 1)


@pytest.mark.skipif(REAL, reason="llama-cpp-python is installed")
def test_without_the_library_its_extra_is_named(file: Path) -> None:
    with pytest.raises(UserError, match=r"tercet\[llama-cpp\]"):
        open_generator(file, runtime="llama.cpp")


def test_the_real_library_asks_the_same_tokens_and_answers_an_unpacked_file_as_torch_does(tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp")
    file = write_gguf(tmp_path / "real.gguf", tmp_path / "folder")
    own, torch = LlamaCppGenerator(file), TorchGenerator(file)
    tokenizer, _ = open_language_tokenizer(file)
    for message in (*MESSAGES, "two  spaces </s> and a mark"):
        assert own._model.prompt(message) == prompt_ids(tokenizer, message)
        assert own._model.answer(message) == completion_ids(tokenizer, message)
    own.share_opening(MESSAGES)
    assert np.allclose(own.classify(MESSAGES, LABELS), torch.classify(MESSAGES, LABELS), atol=2e-3)
    said, expected = own.generate(MESSAGES, 12), torch.generate(MESSAGES, 12)
    assert [(one.text, one.output_tokens) for one in said] == [(one.text, one.output_tokens) for one in expected]
    assert (own.parameters, own.context_tokens) == (torch.parameters, torch.context_tokens)
