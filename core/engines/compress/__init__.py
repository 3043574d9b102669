"""Smaller models, and models for elsewhere: every result is compared with the model that it came from.

Map: `job` (the handler: a row of steps), `work` (what each step works with), `language_rows` (what a language model
would write next at each token of the targets). The steps: `trim_step` with `trim` (a smaller vocabulary), `trim_pieces`
(which pieces stay) and `trim_tokenizer` (the tokenizer rewritten); `ladder` (pruning in rungs) with `ladder_subject`,
`ladder_classifier`, `ladder_language` (what is pruned) and `ladder_context` (how far a rung is), `prune_anatomy` (where
heads and neurons lie in each family's weights), `prune_importance` (what they are worth), `prune_shape` (how many of
each stay) and `narrow` (the cut itself); `quantize_step` with `quantize` (ONNX weights in 8 or 4 bits),
`quantize_decoder` (those of a language model in 8) and `quantize_language` (where that can be done, and 4 bits on a
GPU). `onnx_export` (transformers folder -> ONNX folder), `decoder_export` (with keys and values in it),
`onnx_process` (that and the 8 bits in a process that a stop can kill), `parity` (how many labels two models share),
`export` (what `tercet export` hands over) with `export_checks`, `gguf_export` and `gguf_tokenizer`, `describe` (the
card of a model made from another one).
"""

PRUNE, TRIM = "prune", "trim_vocabulary"
INT8, INT8_STATIC, INT4 = "int8_dynamic", "int8_static", "int4"
