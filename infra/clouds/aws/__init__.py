"""AWS through its SDK."""
