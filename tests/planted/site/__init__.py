"""The candidate: ShopSmart as it is, with bugs that replace its functions while they are switched on."""
