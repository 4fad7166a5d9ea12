"""Model endpoints follow the aliases of their models."""
