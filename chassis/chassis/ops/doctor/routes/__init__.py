"""The URLconf, walked pattern by pattern, and laid beside what the proxy would do with requests for each.

`walking` finds the patterns, `sampling` and `regex` make paths that each of them matches, `methods` reads what a view
takes, `matching` says which pattern Django would choose, `asking` puts the questions to the proxy, `verdict` gives the
words, `strays` looks from the other side: which routes of fig.yaml lead nowhere. `listing` shows it.
"""
