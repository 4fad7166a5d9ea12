"""Searches for hyperparameters as runs of MLflow: each experiment of Katib a parent, each of its trials a child."""
