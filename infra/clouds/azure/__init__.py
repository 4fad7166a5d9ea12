"""Azure through its SDK."""
