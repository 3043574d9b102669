"""What the data itself allows, found with a cheap model: wrong labels, usable information, a learning curve.

Map: `linear` (TF-IDF and logistic regression), `cross_fit` (every row answered by a model that has not seen it),
`curve` (the same model on more and more train rows), `job` (the handler). Needs scikit-learn only.
"""
