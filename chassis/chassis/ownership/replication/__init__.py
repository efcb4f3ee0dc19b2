"""Keeps a capability's copy in step with the monolith: the loop behind `manage.py consume`.

    monolith: row -> trigger -> change log          service: ReplicaCursor, RowVersion, Received, the copied tables
                  |                                             ^ one transaction for each page
                  +-- feed/ (what the logged rows hold now) --> consume --+
                  +-- rows/ (pages in key order) -------------> backfill -+-- rows/?key= (what a batch needs beside it)

Every answer is one snapshot of the monolith and tells its *position* among all such snapshots. What has been read at a
higher position is at least as new, for every row. All that can go wrong between reading and writing is answered by
comparing positions under one lock, which each writing transaction takes first and holds over no request:

- A page of `backfill` and one of `consume` hold the same row: each row keeps the position it was read at, and a lower
  one is dropped. A page of `backfill` keeps one position for its whole range of keys, so that a walk over rows that did
  not change stays as cheap as it was.
- A sweep finds a row here that its page does not hold, because it is newer than the page: its position is higher.
- A row is deleted, then an older page still holds it: its tombstone has the higher position.
- A parent is fetched later than its child was read: it keeps its own position; an older page does not take it back.
- A row refers to one that is gone, two rows hold one unique value, a row that must go is referred to: two readings
  contradict each other, the older is read again (`backfill/needs.py`). What can't be written or deleted even so is kept
  in mind, and made good when what it waits for has come, or gone (`backfill/leftovers.py`).
- A second consumer: the lock refuses it; should that fail, the cursor's `step` has moved, and it stops.
- Killed at any moment: rows, positions, received events and cursor are one transaction.
- The source is another one (restored from a backup), or has forgotten what follows the cursor (410): the copy begins
  anew under a new *epoch* - first the head of the feed, then everything, then the feed from that head. What was read
  under the old epoch is not written any more.
- A page that does not fit (a column without a field, a value the database refuses): nothing of it is written, nothing is
  skipped; it is asked for again until somebody has mended it.
"""
