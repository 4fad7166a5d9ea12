"""Kubeflow Pipelines' hello world, with a second step that gets the first one's file, and a schedule.

Changed: where the client connects to and with which token, and the image of steps, which has the SDK's runtime already:
a step installs nothing here.
"""

import os
import sys

from kfp import client, dsl

namespace, image, url = sys.argv[1:4]


@dsl.component(base_image=image, install_kfp_package=False)
def say_hello(name: str, text: dsl.Output[dsl.Dataset]) -> str:
    hello_text = f"Hello, {name}!"
    with open(text.path, "w") as file:  # noqa: PTH123 - as the SDK's own pages show it
        file.write(hello_text)
    return hello_text


@dsl.component(base_image=image, install_kfp_package=False)
def count(text: dsl.Input[dsl.Dataset], metrics: dsl.Output[dsl.Metrics]) -> int:
    import mlflow

    with open(text.path) as file:  # noqa: PTH123
        length = len(file.read())
    metrics.log_metric("letters", length)
    with mlflow.start_run(run_name="kfp-count"):
        mlflow.log_metric("letters", length)
    return length


@dsl.pipeline(name="hello-pipeline")
def hello_pipeline(recipient: str) -> int:
    hello_task = say_hello(name=recipient)
    return count(text=hello_task.outputs["text"]).outputs["Output"]


kfp = client.Client(
    host=f"{url}/kfp/{namespace}",
    existing_token=os.environ["MLFLOW_TRACKING_TOKEN"],
    ssl_ca_cert=os.environ.get("SSL_CERT_FILE"),
)
run = kfp.create_run_from_pipeline_func(hello_pipeline, arguments={"recipient": "World"}, enable_caching=False)
done = kfp.wait_for_run_completion(run.run_id, timeout=600)
assert done.state == "SUCCEEDED", f"{run.run_id} {done.state}: {done.error}"
tasks = {task.display_name: task.state for task in kfp.get_run(run.run_id).run_details.task_details}
assert tasks.get("say-hello") == tasks.get("count") == "SUCCEEDED", tasks

again = kfp.create_run_from_pipeline_func(hello_pipeline, arguments={"recipient": "World"})
assert kfp.wait_for_run_completion(again.run_id, timeout=600).state == "SUCCEEDED"

experiment = kfp.get_experiment(experiment_name="Default")
schedule = kfp.create_recurring_run(
    experiment.experiment_id, "every-night", cron_expression="0 0 3 * * *", pipeline_package_path=None,
    pipeline_id=kfp.upload_pipeline_from_pipeline_func(hello_pipeline, pipeline_name="hello").pipeline_id,
    version_id=kfp.list_pipeline_versions(kfp.get_pipeline_id("hello")).pipeline_versions[0].pipeline_version_id,
    params={"recipient": "night"},
)  # fmt: skip
listed = kfp.list_recurring_runs(experiment_id=experiment.experiment_id).recurring_runs
assert [each.display_name for each in listed] == ["every-night"], listed
kfp.delete_recurring_run(schedule.recurring_run_id)
print(f"run {run.run_id} {done.state}, its steps {tasks}; a schedule made, listed and removed")
