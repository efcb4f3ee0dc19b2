"""ShopSmart, the monolith."""
