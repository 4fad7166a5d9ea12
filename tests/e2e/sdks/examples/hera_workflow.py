"""Hera's diamond of steps, each a Python function.

Changed: the image, and how the workflow is sent. Hera's `create` knows Argo's server alone, which the platform does not
install; `to_dict` with a Kubernetes client needs none.
"""

import sys
import time

from hera.workflows import DAG, Workflow, script
from kubernetes import client, config

namespace, image = sys.argv[1:3]


@script(image=image)
def echo(message: str):
    print(f"this is {message}")


with Workflow(generate_name="dag-diamond-", entrypoint="diamond", namespace=namespace) as workflow:
    with DAG(name="diamond"):
        a = echo(name="A", arguments={"message": "A"})
        b = echo(name="B", arguments={"message": "B"})
        c = echo(name="C", arguments={"message": "C"})
        d = echo(name="D", arguments={"message": "D"})
        a >> [b, c] >> d

config.load_kube_config()
kind = ("argoproj.io", "v1alpha1", namespace, "workflows")
objects = client.CustomObjectsApi()
name = objects.create_namespaced_custom_object(*kind, workflow.to_dict())["metadata"]["name"]

deadline, phase = time.monotonic() + 480, ""
while phase not in ("Succeeded", "Failed", "Error"):
    assert time.monotonic() < deadline, f"{name} is {phase or 'not begun'}"
    time.sleep(2)
    status = objects.get_namespaced_custom_object(*kind, name).get("status", {})
    phase = status.get("phase", "")
assert phase == "Succeeded", f"{name} {phase}: {status.get('message')}"

core = client.CoreV1Api()
pods = core.list_namespaced_pod(namespace, label_selector=f"workflows.argoproj.io/workflow={name}").items
said = sorted(core.read_namespaced_pod_log(pod.metadata.name, namespace, container="main").strip() for pod in pods)
assert said == [f"this is {letter}" for letter in "ABCD"], f"the steps said {said}"
print(f"{name} {phase} with {len(pods)} steps, who said: {', '.join(said)}")
objects.delete_namespaced_custom_object(*kind, name)
