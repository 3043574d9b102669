"""Smaller models, and models for elsewhere: every result is compared with the model that it came from.

Map: `job` (the handler), `onnx_export` (transformers folder -> ONNX folder), `quantize` (ONNX weights in 8 bits),
`parity` (how many labels two models share), `export` (what `tercet export` hands over).
"""

# The values of `compress: [{quantize: …}]` that the handler can do; the plan refuses the others before anything runs.
SUPPORTED_STEPS = ("int8_dynamic",)
