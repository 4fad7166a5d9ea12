"""The cluster on AWS."""
