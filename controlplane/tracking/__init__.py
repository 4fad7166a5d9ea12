"""The tracking server (MLflow). No other module of the control plane speaks to it."""
