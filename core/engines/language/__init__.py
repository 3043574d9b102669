"""Language models: asked, heard and measured, wherever they run.

Map: `opening` (folder or GGUF file -> model with its tokenizer), `prompts` (example -> message -> token ids),
`generator` (what everything that answers offers), `torch_generator` (a model on this machine), `decoding` (its loops,
on token ids), `endpoint` (a model behind an address; `endpoint_*` are its parts), `answer_store` (what was bought, kept
for ever), `label_job` (the train rows answered; `labelling`, `respondents`, `label_text`), `answers` (what a student
learns of them).
"""
