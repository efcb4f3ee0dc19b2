"""The comparer process: observations, structural differs, rules, verdicts and their store."""
