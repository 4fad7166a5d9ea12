"""One trial: trains with the parameter that the search chose, logs to the workspace's MLflow, prints the metric."""

import sys

import mlflow
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

strength = float(sys.argv[1])
x, y = load_iris(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(x, y, test_size=0.4, random_state=7)
with mlflow.start_run():
    mlflow.log_input(mlflow.data.from_numpy(train_x, targets=train_y, name="iris"), context="training")
    model = LogisticRegression(C=strength, max_iter=400).fit(train_x, train_y)
    accuracy = float(model.score(test_x, test_y))
    mlflow.log_params({"C": strength})
    mlflow.log_metric("accuracy", accuracy)
    mlflow.sklearn.log_model(model, name="model", input_example=test_x[:2])
print(f"accuracy={accuracy:.6f}")
