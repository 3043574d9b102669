"""Smaller models, and models for elsewhere: every result is compared with the model that it came from.

Map: `job` (the handler: a row of steps), `work` (what each step works with), `trim_step`, `ladder`, `quantize_step`
(the steps), `onnx_export` (transformers folder -> ONNX folder), `quantize` (ONNX weights in 8 or 4 bits),
`quantize_language` (a language model in 4 bits, on a GPU), `trim` (a smaller vocabulary), `narrow` (a narrower model),
`parity` (how many labels two models share), `export` (what `tercet export` hands over), `describe` (the card of a model
made from another one).
"""

PRUNE, TRIM = "prune", "trim_vocabulary"
INT8, INT8_STATIC, INT4 = "int8_dynamic", "int8_static", "int4"
