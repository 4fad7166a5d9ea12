"""What a workspace consists of in the cluster, one subject a module. Pure."""
