"""The control plane's way to MLflow: it reads what an alias of a workspace's registry points to, nothing else."""
