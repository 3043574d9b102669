"""Scoring answers once they are there: by a language model that judges, or by what their context supports.

Map: `verdicts` (a verdict read out of a judge's words), `forms` (what the judge is asked, and how its verdicts make a
score), `rows` (the answers with their examples), `hearing` (messages asked once, verdicts kept for ever), `job` (the
handler).
"""
