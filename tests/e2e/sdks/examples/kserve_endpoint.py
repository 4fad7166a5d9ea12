"""KServe's first InferenceService by its SDK: made, waited for, and asked for a prediction.

Changed: the model is the one that MLflow's quickstart registered; it is called at the platform's address with the same
token, since `status.url` is the address inside of the cluster.
"""

import asyncio
import os
import sys

from kserve import (
    InferenceRESTClient,
    InferInput,
    InferRequest,
    KServeClient,
    RESTConfig,
    V1beta1InferenceService,
    V1beta1InferenceServiceSpec,
    V1beta1ModelFormat,
    V1beta1ModelSpec,
    V1beta1PredictorSpec,
    constants,
)
from kubernetes.client import V1ObjectMeta

namespace, _, address = sys.argv[1:4]
NAME = "sklearn-iris"
FLOWERS = [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]

service = V1beta1InferenceService(
    api_version=constants.KSERVE_V1BETA1,
    kind=constants.KSERVE_KIND_INFERENCESERVICE,
    metadata=V1ObjectMeta(name=NAME, namespace=namespace),
    spec=V1beta1InferenceServiceSpec(
        predictor=V1beta1PredictorSpec(
            model=V1beta1ModelSpec(
                model_format=V1beta1ModelFormat(name="mlflow"),
                storage_uri="models:/tracking-quickstart@champion",
            )
        )
    ),
)

client = KServeClient()
client.create(service)
client.wait_isvc_ready(NAME, namespace=namespace, timeout_seconds=480, polling_interval=3)


async def predict():
    tensor = InferInput(name="x", shape=[len(FLOWERS), 4], datatype="FP64", data=FLOWERS)
    return await InferenceRESTClient(RESTConfig(protocol="v2")).infer(
        f"{address}/serving/{namespace}/{NAME}",
        InferRequest(model_name=NAME, infer_inputs=[tensor]),
        model_name=NAME,
        headers={"Authorization": f"Bearer {os.environ['MLFLOW_TRACKING_TOKEN']}"},
    )


(output,) = asyncio.run(predict()).outputs
assert list(output.data) == [1, 1], f"two versicolours are taken for {output.data}"
url = client.get(NAME, namespace=namespace)["status"]["url"]
print(f"{NAME} is ready at {url} inside, and predicts {list(output.data)} for two flowers through the gateway")
client.delete(NAME, namespace=namespace)
