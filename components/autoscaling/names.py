"""What the cluster's program and the component agree on: component and service account, which has a cloud identity."""

NAME = "autoscaling"
