"""MLflow's tracking quickstart: autologging, a registered model, and the model loaded back to predict.

Changed: nothing; MLFLOW_TRACKING_URI, _TOKEN, _SERVER_CERT_PATH and MLFLOW_WORKSPACE say where and who.
"""

import mlflow
from sklearn import datasets
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

MODEL = "tracking-quickstart"

x, y = datasets.load_iris(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=42)

mlflow.set_experiment("MLflow Quickstart")
mlflow.sklearn.autolog()

with mlflow.start_run() as run:
    model = LogisticRegression(solver="lbfgs", max_iter=1000, random_state=8888)
    model.fit(x_train, y_train)
    accuracy = model.score(x_test, y_test)

version = mlflow.register_model(f"runs:/{run.info.run_id}/model", MODEL)
client = mlflow.MlflowClient()
client.set_registered_model_alias(MODEL, "champion", version.version)

loaded = mlflow.pyfunc.load_model(f"models:/{MODEL}@champion")
predictions = loaded.predict(x_test)

logged = client.get_run(run.info.run_id).data
assert logged.params["max_iter"] == "1000", f"autologging wrote {logged.params}"
assert accuracy > 0.9, f"the accuracy is {accuracy}"
assert list(predictions) == list(model.predict(x_test)), "the loaded model predicts something else"
print(
    f"run {run.info.run_id} with {len(logged.params)} parameters and {len(logged.metrics)} metrics by autologging; "
    f"models:/{MODEL}@champion, which is version {version.version}, predicts {accuracy:.0%} of {len(y_test)} irises"
)
