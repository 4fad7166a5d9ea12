"""OptimizerClient of Kubeflow's SDK: a search whose trials are TrainJobs.

Changed: the runtime is `mlp-cpu`; few trials with little of everything, each long enough for a busy node to start the
collector of its metrics beside it.
"""

from kubeflow.optimizer import Objective, OptimizerClient, Search, TrialConfig
from kubeflow.trainer import CustomTrainer, TrainJobTemplate


def train(learning_rate):
    import time

    time.sleep(15)
    print(f"loss={(float(learning_rate) - 0.05) ** 2:.6f}")


client = OptimizerClient()
job = client.optimize(
    trial_template=TrainJobTemplate(
        runtime="mlp-cpu",
        trainer=CustomTrainer(func=train, resources_per_node={"cpu": "100m", "memory": "256Mi"}),
    ),
    trial_config=TrialConfig(num_trials=3, parallel_trials=2),
    objectives=[Objective(metric="loss")],
    search_space={"learning_rate": Search.uniform(0.01, 0.1)},
)
done = client.wait_for_job_status(job, timeout=480)
best = client.get_best_results(job)
log = list(client.get_job_logs(job))

losses = [float(metric.min) for trial in done.trials for metric in trial.metrics]
assert len(losses) == 3, f"{len(losses)} of 3 trials have a loss"
(found,) = best.metrics
assert float(found.min) == min(losses), f"{found.min} is taken for the best of {losses}"
assert any("loss" in line for line in log), f"the log is {log}"
print(f"job {job} is {done.status}: {len(done.trials)} trials, the best with {best.parameters} and loss {found.min}")
client.delete_job(job)
