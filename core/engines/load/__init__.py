"""Load tests: many requests at once, in closed and open loop, of endpoints and of models on this machine.

Map: `levels` (what is sent, and in which order), `turns` (who sends which request when, and what came of it), `causes`
(why requests failed), `tasks` (one loop of tasks for endpoints), `threads` (threads around one loaded model), `probe`
(the process of a model on this machine), `kept_levels` (what a test that broke off goes on behind), `job` (handler).
"""
