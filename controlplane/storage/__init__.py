"""Object storage of workspaces. No other module of the control plane speaks to the S3 server."""
