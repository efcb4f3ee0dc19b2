"""An assortment for a shop that has none yet, the same on every machine and every day."""
