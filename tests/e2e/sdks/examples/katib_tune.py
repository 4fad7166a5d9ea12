"""Katib's getting started: `tune` makes an experiment of a function, and the best parameters are read.

Changed: the image of trials, since Katib's own choice is none of the platform's; few trials with little of
everything, each long enough for a busy node to start the collector of its metrics beside it.
"""

import sys

from kubeflow import katib

namespace, image = sys.argv[1:3]


def objective(parameters):
    import time

    time.sleep(15)
    result = 4 * int(parameters["a"]) - float(parameters["b"]) ** 2
    print(f"result={result}")


client = katib.KatibClient(namespace=namespace)
client.tune(
    name="tune-experiment",
    objective=objective,
    parameters={"a": katib.search.int(min=10, max=20), "b": katib.search.double(min=0.1, max=0.2)},
    objective_metric_name="result",
    max_trial_count=3,
    parallel_trial_count=2,
    resources_per_trial={"cpu": "100m", "memory": "256Mi"},
    base_image=image,
)
client.wait_for_experiment_condition(name="tune-experiment", timeout=480)
best = client.get_optimal_hyperparameters("tune-experiment")
trials = client.get_success_trial_details("tune-experiment")

found = {each.name: each.value for each in best.parameter_assignments}
(metric,) = best.observation.metrics
expected = 4 * int(found["a"]) - float(found["b"]) ** 2
assert len(trials) == 3, f"{len(trials)} of 3 trials ended well"
assert abs(float(metric.latest) - expected) < 1e-6, f"{found} cannot give {metric.latest}"
print(f"{len(trials)} trials of tune-experiment; the best is {best.best_trial_name} with {found}: {metric.latest}")
client.delete_experiment("tune-experiment")
