"""The floor: a linear model on words and character n-grams, which every network has to beat.

Map: `features` (texts -> TF-IDF), `folds` (who is held out), `model` (the classifier and its folder), `fitting` (what
the two jobs share), `train` (the job on the targets), `distil` (the job that learns from a teacher). Needs scikit-learn
only; the teacher brings what it needs.
"""
