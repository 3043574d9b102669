"""Language models: asked, heard and measured, wherever they run.

Map: `opening` (folder or GGUF file -> model with its tokenizer), `prompts` (example -> message -> token ids).
"""
