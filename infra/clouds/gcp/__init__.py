"""GCP through its SDK."""
