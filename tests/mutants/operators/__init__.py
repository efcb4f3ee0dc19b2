"""The operators, by what they change. Importing this package registers them all."""

from mutants.operators import head, json_lists, json_values, page_elements, page_texts, plain

__all__ = ["head", "json_lists", "json_values", "page_elements", "page_texts", "plain"]
