"""Fills an empty shop: goods and reviews by `catalog.seeding`, and here what people did with them.

An app of its own, since it knows every other one: past orders are made of all of them.
"""
