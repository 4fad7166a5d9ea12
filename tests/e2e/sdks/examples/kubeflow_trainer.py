"""TrainerClient of Kubeflow's SDK, as in its quick start: a function becomes a TrainJob, its status and log are read.

Changed: the runtime is `mlp-cpu`, which has TensorFlow instead of PyTorch; one node and less memory; and the function
logs to MLflow, which needs no address and no token in a job.
"""

from kubeflow.trainer import CustomTrainer, TrainerClient


def train():
    import mlflow
    import numpy as np
    import tensorflow as tf

    print("TensorFlow", tf.__version__)
    tf.random.set_seed(1)
    x = np.linspace(-1, 1, 200).reshape(-1, 1).astype("float32")
    model = tf.keras.Sequential([tf.keras.Input(shape=(1,)), tf.keras.layers.Dense(1)])
    model.compile(optimizer=tf.keras.optimizers.SGD(0.5), loss="mse")
    with mlflow.start_run() as run:
        loss = model.fit(x, 3 * x + 1, epochs=20, verbose=0).history["loss"][-1]
        mlflow.log_metric("loss", loss)
    assert loss < 0.01, loss
    print("Training is finished in run", run.info.run_id)


client = TrainerClient()
runtimes = [runtime.name for runtime in client.list_runtimes()]
job = client.train(
    runtime=client.get_runtime("mlp-cpu"),
    trainer=CustomTrainer(func=train, num_nodes=1, resources_per_node={"cpu": "500m", "memory": "1536Mi"}),
)
done = client.wait_for_job_status(job, timeout=480)
log = list(client.get_job_logs(job))
events = client.get_job_events(job)

ended = [line for line in log if line.startswith("Training is finished in run ")]
assert ended, f"the log is {log}"
assert job in [each.name for each in client.list_jobs()]
steps = ", ".join(f"{step.name} {step.status}" for step in done.steps)
print(f"runtimes {', '.join(runtimes)}; job {job} is {done.status} ({steps}, {len(events)} events): {ended[0]}")
client.delete_job(job)
