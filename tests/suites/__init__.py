"""All suites of the house, a few at a time: every part's own, tests/ itself, and Django's again on PostgreSQL.

    python -m suites tests proxy chassis chassis@postgresql        # in tests/; make names them all

Each lane takes the next suite when it has done one, so the longest stand first. What a suite says comes out in one
piece when it ends; its progress and the names of failed tests are shown meanwhile. One that fails keeps none of the others
from running; one that takes too long, or leaves something running, has failed.
"""
