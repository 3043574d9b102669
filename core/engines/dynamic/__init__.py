"""Learning on from a stream of new examples: round by round, each one kept or rolled back.

Map: `stream` (the file of new examples, without those that would be judged on), `rounds` (which row stands in which
round, and on which side), `average` (the moving average of the weights), `teacher` (who teaches a round, and that it is
not the student), `one_round` (train, judge, keep or roll back), `records` (finished rounds on disk), `job` (the
handler).
"""
