"""Work outside the UI thread.

background.py   short operations on one thread that serialises database access
runner.py       one worker process: its event lines as signals, cancel as a ladder
process_tree.py ending a worker together with its own children
queue.py        starts ready jobs one after the other and keeps the study's rows up to date
"""
