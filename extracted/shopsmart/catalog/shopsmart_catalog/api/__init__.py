"""`/api/catalog/**` as the shop answers it."""
