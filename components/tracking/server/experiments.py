"""A workspace's experiment `Default`, which pods ask for by name (MLFLOW_EXPERIMENT_NAME) where they name no other.

MLflow's client looks for it and makes it where it is missing. Several pods do so at once when they are the first.
"""

from __future__ import annotations

from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode
from mlflow.store.tracking.abstract_store import AbstractStore


def share_default_experiment(store: AbstractStore) -> None:
    """From now on, making `Default` where it is there already gives the one that is there."""
    create = store.create_experiment

    def create_or_find(name: str, *arguments: object, **options: object) -> str:
        try:
            return str(create(name, *arguments, **options))
        except MlflowException as error:
            if name != Experiment.DEFAULT_EXPERIMENT_NAME or error.error_code != ErrorCode.Name(
                RESOURCE_ALREADY_EXISTS
            ):
                raise
            found = store.get_experiment_by_name(name)
            if found is None:
                raise
            return str(found.experiment_id)

    store.create_experiment = create_or_find
