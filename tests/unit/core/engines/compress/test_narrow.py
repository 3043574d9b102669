"""Models cut smaller: the same function where nothing goes, and that of a model with the lost parts closed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from model_families import DECODERS, FAMILIES, family_model, logits, reload_kind
from transformers import AlbertConfig, AutoModelForSequenceClassification

from core.engines.compress.narrow import Kept, largest_groups, largest_neurons, narrowed
from core.engines.compress.prune_anatomy import Anatomy, anatomy_of
from core.errors import UserError

# Other ones in each layer, so that a mistake in the place of a layer shows.
KEPT_NEURONS = ((0, 3, 4, 20), (1, 2, 7, 9), (5, 6, 22, 23))


def everything(anatomy: Anatomy) -> Kept:
    every = tuple(range(anatomy.hidden))
    free = anatomy.family.heads != "fixed"
    return Kept(
        layers=tuple(range(anatomy.layers)),
        groups=(tuple(range(anatomy.groups)),) * anatomy.layers if free else None,
        neurons=(tuple(range(anatomy.neurons)),) * anatomy.layers,
        channels=every if anatomy.family.hidden else None,
        pooled=every if anatomy.family.hidden else None,
    )


def close_columns(model: Any, anatomy: Anatomy, role: str, closed: list[list[int]]) -> None:
    """Set to 0, layer by layer, what reads the closed entries of an axis: the model without these parts."""
    with torch.no_grad():
        for weight in anatomy.weights(model.named_parameters()):
            if weight.layer is not None and weight.module[1:] == (role,) and weight.tensor.ndim == 2:
                weight.tensor.index_fill_(weight.roles.index(role), torch.tensor(closed[weight.layer]), 0.0)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_model_that_loses_nothing_says_the_same_to_the_last_bit(name: str) -> None:
    model = family_model(name)
    assert torch.equal(logits(narrowed(model, everything(anatomy_of(model)))), logits(model))


@pytest.mark.parametrize("name", FAMILIES)
def test_without_some_neurons_it_says_what_the_whole_one_says_with_these_closed(name: str) -> None:
    model = family_model(name)
    anatomy = anatomy_of(model)
    smaller = narrowed(model, Kept(neurons=KEPT_NEURONS))
    closed = [[one for one in range(anatomy.neurons) if one not in kept] for kept in KEPT_NEURONS]
    before = logits(model)
    close_columns(model, anatomy, "f", closed)
    assert torch.allclose(logits(smaller), logits(model), atol=1e-5)
    assert not torch.allclose(logits(smaller), before, atol=1e-3)


@pytest.mark.parametrize("name", [name for name in DECODERS if name not in ("gpt2", "phi3")])
def test_without_a_group_of_heads_it_says_what_the_whole_one_says_with_these_closed(name: str) -> None:
    model = family_model(name)
    anatomy = anatomy_of(model)
    assert (anatomy.groups, anatomy.queries_per_group) == (2, 2)
    smaller = narrowed(model, Kept(groups=((1,), (0,), (1,))))
    width = 2 * anatomy.head_width
    heads = [list(range(width)), list(range(width, 2 * width)), list(range(width))]
    close_columns(model, anatomy, "o", heads)
    assert torch.allclose(logits(smaller), logits(model), atol=1e-5)
    assert (smaller.config.num_attention_heads, smaller.config.num_key_value_heads) == (2, 1)


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_cut_everywhere_reloads_with_plain_from_pretrained(name: str, tmp_path: Path) -> None:
    model = family_model(name)
    anatomy = anatomy_of(model)
    family = anatomy.family
    groups = ((0, 1), (1, 2), (0, 3)) if anatomy.groups == 4 else ((0,), (1,), (1,))
    channels = tuple(range(1, 16, 2)) if family.hidden else None
    kept = Kept(
        layers=(0, 2) if anatomy.first_differs else (2, 0),
        groups=groups[:2] if family.heads != "fixed" else None,
        neurons=KEPT_NEURONS[:2],
        channels=channels,
        pooled=channels,
    )
    smaller = narrowed(model, kept)
    smaller.save_pretrained(tmp_path)
    reloaded, report = reload_kind(name).from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report[problem] for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert torch.equal(logits(reloaded.eval()), logits(smaller))
    assert reloaded.config.num_hidden_layers == 2
    assert getattr(reloaded.config, family.feed_forward_field) == 4
    assert smaller.num_parameters() < model.num_parameters()
    again = anatomy_of(reloaded)
    assert (again.hidden, again.head_width) == (8 if family.hidden else 16, anatomy.head_width)


def test_tied_embeddings_are_one_after_the_cut_and_after_a_reload(tmp_path: Path) -> None:
    model = family_model("llama, tied")
    model.generation_config.max_new_tokens = 7
    smaller = narrowed(model, Kept(layers=(0,), channels=tuple(range(8))))
    smaller.save_pretrained(tmp_path)
    reloaded = reload_kind("llama, tied").from_pretrained(tmp_path)
    for one in (smaller, reloaded):
        assert one.lm_head.weight is one.model.embed_tokens.weight
        assert one.generation_config.max_new_tokens == 7
    assert torch.equal(reloaded.lm_head.weight, model.lm_head.weight[:, :8])


def test_the_neurons_with_the_largest_weights_stay() -> None:
    model = family_model("llama, tied")
    with torch.no_grad():
        for layer, large in enumerate((3, 11, 23)):
            model.model.layers[layer].mlp.down_proj.weight[:, large] *= 100.0
            # Large going in and nothing going out is not large.
            model.model.layers[layer].mlp.up_proj.weight[0] *= 1000.0
            model.model.layers[layer].mlp.down_proj.weight[:, 0] = 0.0
    assert largest_neurons(model, (2, 0), 1) == ((23,), (3,))


def test_the_head_groups_with_the_largest_weights_stay() -> None:
    model = family_model("mistral")
    with torch.no_grad():
        for layer, large in enumerate((1, 0, 1)):
            model.model.layers[layer].self_attn.v_proj.weight.reshape(2, -1)[large] *= 10.0
    assert largest_groups(model, (0, 1, 2), 2) == ((1,), (0,), (1,))


@pytest.mark.parametrize(
    ("name", "heads", "code"), [("mistral", 3, "train.heads_unfit"), ("bert", 2, "train.heads_fixed")]
)
def test_heads_that_a_config_cannot_say_are_refused(name: str, heads: int, code: str) -> None:
    with pytest.raises(UserError) as refused:
        largest_groups(family_model(name), (0,), heads)
    assert refused.value.code == code


def test_a_first_layer_unlike_the_others_must_stay_the_first() -> None:
    model = family_model("modernbert")
    for layers in ((1, 2), (1, 0)):
        with pytest.raises(UserError) as refused:
            narrowed(model, Kept(layers=layers))
        assert refused.value.code == "train.layers_first"
    assert narrowed(model, Kept(layers=(0, 2))).config.num_hidden_layers == 2


def test_a_family_that_is_not_known_is_refused() -> None:
    config = AlbertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24)
    model = AutoModelForSequenceClassification.from_config(config)  # type: ignore[no-untyped-call]  # untyped there
    with pytest.raises(UserError) as refused:
        anatomy_of(model)
    assert refused.value.code == "prune.family_unknown"
