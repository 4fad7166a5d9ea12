"""The Kubernetes API. No other module of the control plane speaks to it."""
