"""What a consumer has received: applied once although it is delivered again, and never an older state over a newer one.

Both answers are rows in the consumer's own database, written in the transaction of the effect:

- `receive(consumer, message_id)` is insert-first dedupe: of two transactions that got the same message, one goes on.
- `Versions(consumer)` is the version guard: the position at which each row was last read, also where it was gone.
"""
