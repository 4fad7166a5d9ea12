"""Trains on every worker of the job and logs to the workspace's MLflow: loss by epoch, weights, who took part.

Runs alone, or as a worker of a TFJob, which says in TF_CONFIG who the others are. Each worker makes data of its own;
gradients are summed over all of them, so that all have the same weights at the end, which the last line proves.
"""

import json
import os

import mlflow
import tensorflow as tf

EPOCHS, ROWS, RATE = int(os.environ.get("EPOCHS", "5")), 512, 0.1

config = json.loads(os.environ.get("TF_CONFIG", "{}"))
task = config.get("task", {"type": "worker", "index": 0})
chief = task["index"] == 0 and task["type"] in ("chief", "master", "worker")
strategy = tf.distribute.MultiWorkerMirroredStrategy() if config else tf.distribute.get_strategy()
workers = strategy.num_replicas_in_sync

tf.random.set_seed(task["index"])
truth = tf.constant([[2.0], [-3.0], [0.5]])
inputs = tf.random.normal((ROWS, 3), seed=task["index"])
targets = inputs @ truth + tf.random.normal((ROWS, 1), stddev=0.01)

with strategy.scope():
    weights = tf.Variable(tf.zeros((3, 1)))


@tf.function
def epoch():
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((inputs @ weights - targets) ** 2)
        context = tf.distribute.get_replica_context()
        gradient = context.all_reduce(tf.distribute.ReduceOp.MEAN, tape.gradient(loss, weights))
        weights.assign_sub(RATE * gradient)
        return loss

    return strategy.reduce(tf.distribute.ReduceOp.MEAN, strategy.run(step), axis=None)


@tf.function
def spread():
    """How far the workers' weights lie apart."""

    def step():
        context = tf.distribute.get_replica_context()
        total = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(weights))
        return tf.reduce_max(tf.abs(total / workers - weights))

    return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(step), axis=None)


losses = [float(epoch()) for _ in range(EPOCHS)]
apart = float(spread())
found = [float(value) for value in tf.reshape(weights, [-1])]
answer = {"workers": workers, "losses": losses, "apart": apart, "weights": found}
if chief:
    with mlflow.start_run(run_name=os.environ.get("RUN_NAME")) as run:
        mlflow.log_params({"workers": workers, "epochs": EPOCHS, "tensorflow": tf.__version__})
        for number, loss in enumerate(losses):
            mlflow.log_metric("loss", loss, step=number)
        mlflow.log_dict({"weights": found}, "weights.json")
        answer |= {"run": run.info.run_id, "experiment": run.info.experiment_id}
spread()  # a worker that left before the chief has logged would look like one that crashed
print(json.dumps(answer))
