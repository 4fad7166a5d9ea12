"""AWS: a bucket, a role and its binding to the service account. No other module speaks to IAM and EKS."""
