"""State in buckets: made on first use, versioned, encrypted, private. One module for each cloud's SDK."""
