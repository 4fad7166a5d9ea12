"""Python that runs inside workspace pods. Each prints one JSON document as its last line and asserts nothing itself."""

from __future__ import annotations

LOG_RUN = """
import json, os, pathlib, mlflow
from mlflow.tracking import MlflowClient
experiment = mlflow.set_experiment("verify")
with mlflow.start_run() as run:
    mlflow.log_param("alpha", 0.5)
    mlflow.log_metric("score", 0.9)
    path = pathlib.Path("/tmp/evidence.txt"); path.write_text("made in " + os.environ["VERIFY_PLACE"])
    mlflow.log_artifact(str(path), "files")
client = MlflowClient()
client.create_registered_model("verify-model")
version = client.create_model_version("verify-model", f"{run.info.artifact_uri}/files", run.info.run_id)
client.set_registered_model_alias("verify-model", "champion", version.version)
text = pathlib.Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="files/evidence.txt")).read_text()
print(json.dumps({"run": run.info.run_id, "experiment": experiment.experiment_id, "user": run.data.tags.get("mlflow.user", ""),
                  "version": version.version, "artifact": text, "uri": run.info.artifact_uri}))
"""

SPY_MLFLOW = """
import json, os, mlflow
from mlflow.tracking import MlflowClient
seen = {}
def attempt(name, call):
    try:
        seen[name] = "GOT " + repr(call())[:200]
    except Exception as error:
        seen[name] = type(error).__name__ + ": " + str(error)[:200]
run, experiment, other = os.environ["SPY_RUN"], os.environ["SPY_EXPERIMENT"], os.environ["SPY_NAMESPACE"]
client = MlflowClient()
attempt("run by id in the own workspace", lambda: client.get_run(run))
attempt("model by name in the own workspace", lambda: client.get_registered_model("verify-model"))
attempt("artifact by run id", lambda: client.list_artifacts(run))
mlflow.set_workspace(other)
attempt("run by id with A as workspace", lambda: client.get_run(run))
attempt("search with A as workspace", lambda: client.search_experiments())
attempt("model with A as workspace", lambda: client.get_registered_model("verify-model"))
import urllib.request, ssl
base = os.environ["MLFLOW_TRACKING_URI"]
token = open("/var/run/secrets/mlp/token").read()
context = ssl.create_default_context(cafile=os.environ["MLFLOW_TRACKING_SERVER_CERT_PATH"])
def raw(headers):
    request = urllib.request.Request(f"{base}/api/2.0/mlflow/runs/get?run_id={run}", headers=headers)
    with urllib.request.urlopen(request, context=context, timeout=20) as answer:
        return answer.read(200)
bearer = {"Authorization": "Bearer " + token}
attempt("forged X-Remote-User", lambda: raw({**bearer, "X-MLFLOW-WORKSPACE": other, "X-Remote-User": "user:admin", "X-Remote-Groups": f"tenant:{os.environ['SPY_TENANT']}:admin"}))
attempt("forged headers without a token", lambda: raw({"X-MLFLOW-WORKSPACE": other, "X-Remote-User": "user:admin", "X-Remote-Groups": "system:masters"}))
attempt("forged headers in other spellings", lambda: raw({**bearer, "x_mlflow_workspace": other, "x-mlflow-workspace": other, "X_REMOTE_USER": "user:admin", "x-remote-groups": "platform:admin"}))
print(json.dumps(seen))
"""

S3 = """
import json, os, boto3
from botocore.config import Config
from botocore.exceptions import ClientError
client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL_S3"], config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}))
seen = {}
def attempt(name, call):
    try:
        answer = call()
        seen[name] = "GOT " + str(answer.get("ResponseMetadata", {}).get("HTTPStatusCode"))
    except ClientError as error:
        seen[name] = error.response["Error"]["Code"]
own, other = os.environ["OWN_BUCKET"], os.environ["OTHER_BUCKETS"].split(",")
attempt("write own", lambda: client.put_object(Bucket=own, Key="x", Body=b"x"))
attempt("read own", lambda: client.get_object(Bucket=own, Key="x"))
for bucket in other:
    attempt("list " + bucket, lambda: client.list_objects_v2(Bucket=bucket))
    attempt("list without prefix of " + bucket, lambda: client.list_objects_v2(Bucket=bucket, Prefix=""))
    attempt("read from " + bucket, lambda: client.get_object(Bucket=bucket, Key="x"))
    attempt("write to " + bucket, lambda: client.put_object(Bucket=bucket, Key="y", Body=b"y"))
    attempt("policy of " + bucket, lambda: client.get_bucket_policy(Bucket=bucket))
seen["buckets"] = [b["Name"] for b in client.list_buckets()["Buckets"]]
print(json.dumps(seen))
"""

REACH = """
import json, os, socket
seen = {}
for target in os.environ["TARGETS"].split(","):
    host, port = target.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), timeout=3):
            seen[target] = "open"
    except OSError as error:
        seen[target] = "closed: " + (error.strerror or str(error))
print(json.dumps(seen))
"""
