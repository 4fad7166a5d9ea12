"""Names that several modules of the component use."""

from __future__ import annotations

from components.names import component_namespace

NAME = "training"
NAMESPACE = component_namespace(NAME)

OPERATOR = "training-operator"
"""The controller of TFJob, PyTorchJob and MPIJob (Training Operator, version 1 of Kubeflow's training)."""
TRAINER = "trainer"
"""The controller of TrainJob (version 2). Neither knows of the other."""
JOBSET = "jobset"
"""The controller of JobSet, of which Trainer makes its jobs."""
CONTROLLERS = (OPERATOR, TRAINER, JOBSET)

CPU_RUNTIME = "mlp-cpu"
"""The ClusterTrainingRuntime that every installation has: TensorFlow and MLflow on processors."""
TRAINING_IMAGE = "training"
