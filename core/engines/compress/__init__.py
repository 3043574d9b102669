"""Smaller models, and models for elsewhere: every result is compared with the model that it came from.

Map: `job` (the handler: a row of steps), `work` (what each step works with), `trim_step`, `quantize_step` (the steps),
`onnx_export` (transformers folder -> ONNX folder), `quantize` (ONNX weights in 8 bits), `trim` (a smaller vocabulary),
`parity` (how many labels two models share), `export` (what `tercet export` hands over), `describe` (the card of a model
made from another one).
"""

PRUNE, TRIM, INT8 = "prune", "trim_vocabulary", "int8_dynamic"
