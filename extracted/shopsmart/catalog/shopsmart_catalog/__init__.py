"""The catalogue of ShopSmart as a service of its own."""
