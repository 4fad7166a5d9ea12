"""GCP: a bucket and a grant on it. No other module speaks to Cloud Storage."""
