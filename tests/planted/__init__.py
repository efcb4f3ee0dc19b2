"""A second ShopSmart, the candidate, with thirty bugs planted by hand. Each is switched on by itself.

    python -m planted --list                     # what is planted, who finds it where
    python -m pytest planted                     # every one of them is found, and nothing without them

`bug.py` says what a bug is, `bugs.py` is the table, `words.py` what its paths are filled with. `site/` is the candidate: the
settings of ShopSmart, a middleware that reads which bug is on, and the plants, which replace functions of the shop from
outside: the shop knows nothing of them. `shops.py` starts both shops and asks them the same.
"""
