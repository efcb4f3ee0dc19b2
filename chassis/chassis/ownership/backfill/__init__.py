"""Copies a capability's rows from the monolith into the service's own tables, again and again.

A walk goes through the tables in three phases; each chunk is one transaction that also moves the cursor.

1. Sweep: rows whose key is no longer in the source are deleted, children before parents. It comes first, so that a
   new row finds the unique value free that a vanished one held. A row that is still referred to here is kept for now.
2. Copy: rows are inserted or updated, parents before children. Where a row needs another one first - its parent lies
   later in the walk, or another row holds its unique value - that one is fetched and written in the same transaction.
3. Sweep of what was kept: by now those who referred to it have been updated.

With a source that stands still one walk makes the tables equal to it, whatever they held. With one that moves, the
next walk brings what changed behind the cursor.
"""
