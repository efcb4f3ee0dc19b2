"""Parity cases: a test asks the control and the candidate the same, and the rules of live traffic judge the answers."""
