"""A card gateway for shops that are tried out: a process of its own, with a ledger of its own, and no real money."""
