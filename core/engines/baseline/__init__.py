"""The floor: a linear model on words and character n-grams, which every network has to beat.

Map: `features` (texts -> TF-IDF), `folds` (who is held out when the temperature is fitted), `model` (the classifier
and its folder), `train` (the job). Needs scikit-learn only, never torch.
"""
