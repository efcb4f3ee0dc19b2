"""Captures every change of a capability's rows, however it is made, and hands it out.

Triggers write a log in the writer's transaction. The log says only *look at this row*: whoever reads it reads what the
row holds by then, in one snapshot whose *position* says how new it is (docs/decisions/0005).

watches    what must be watched, from the declaration
triggers   SQL for that, and whether it is in place, for each database
install    puts it in place, after `migrate` and by `manage.py capture`
reading    a snapshot and its position
log        the entries, in the order in which nothing is lost
feed       a page of changed rows
readers    how far each caller has come
"""
