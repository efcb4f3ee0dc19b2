"""Gives a guest their cart back when they log in."""
