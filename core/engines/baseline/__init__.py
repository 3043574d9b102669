"""The floor: a linear model on words, character n-grams and averaged token embeddings, which every network has to beat.

Map: `features` (texts -> TF-IDF), `embedding_source` (a teacher's token embeddings), `embeddings` (texts -> their
averages), `folds` (who is held out), `fitting` (what all fits share), `soft_regression` (distributions learnt),
`trials` (the kinds of features that a study asks for), `choosing` (which of them it is), `teaching` (what a teacher
says), `model` (the classifier and its folder), `train` (the job on the targets), `distil` (the job that learns from a
teacher). Terms need scikit-learn only, embeddings the tokenizers library; the teacher brings what it needs.
"""
