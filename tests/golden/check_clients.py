"""The clients of the managed service, unmodified, against `coppice serve`: boto3 and the SageMaker Python SDK.

    check_clients.py COPPICE
"""

import csv
import io
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import boto3
import botocore.config
import botocore.exceptions
import numpy as np
import sagemaker
from sagemaker.deserializers import CSVDeserializer, JSONDeserializer
from sagemaker.predictor import Predictor
from sagemaker.serializers import CSVSerializer, JSONSerializer

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
ROWS, COLUMNS = 2600, 30  # six batches of at most 500


def write_table(path, values, labels):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([f"V{i}" for i in range(COLUMNS)] + ["Class"])
        writer.writerows([*row, label] for row, label in zip(values.tolist(), labels.tolist(), strict=True))


def start_server(model, *more):
    """The process and its address."""
    server = subprocess.Popen([PROGRAM, "serve", "--model", model, "--port", "0", *more], stderr=subprocess.PIPE,
                              text=True)
    for line in server.stderr:
        if found := re.search(r"listening on (http://\S+)", line):
            return server, found.group(1)
    raise AssertionError("the server does not listen")


def make_client(address):
    return boto3.client("sagemaker-runtime", endpoint_url=address, region_name="eu-west-1",
                        aws_access_key_id="none", aws_secret_access_key="none",
                        config=botocore.config.Config(retries={"total_max_attempts": 1}))


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(cls.folder.name)
        random = np.random.default_rng(3)
        cls.values = random.normal(size=(ROWS, COLUMNS))
        cls.values[random.random(size=cls.values.shape) < 0.02] = np.nan
        labels = (np.nan_to_num(cls.values[:, 0]) + random.normal(size=ROWS) > 1).astype(int)
        write_table(folder / "t.csv", cls.values, labels)
        subprocess.run([PROGRAM, "train", "--train", folder / "t.csv", "--label", "Class", "--model",
                        folder / "fraud.json", "--param", "num_round=20", "--log-period", "0"], check=True)
        done = subprocess.run([PROGRAM, "predict", "--model", folder / "fraud.json", folder / "t.csv"], check=True,
                              capture_output=True, text=True)
        cls.expected = np.array(done.stdout.split()[1:], np.float32)  # without the header
        cls.server, address = start_server(folder / "fraud.json")
        cls.client = make_client(address)
        cls.session = sagemaker.session.Session(boto_session=boto3.Session(region_name="eu-west-1"),
                                                sagemaker_client=boto3.client("sagemaker", region_name="eu-west-1"),
                                                sagemaker_runtime_client=cls.client, default_bucket="none")

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        exit_code = cls.server.wait()
        cls.server.stderr.close()
        cls.folder.cleanup()
        if exit_code != 0:
            raise AssertionError(f"the server ended with exit code {exit_code}")

    def predictor(self, serializer, deserializer):
        return Predictor("fraud", self.session, serializer=serializer, deserializer=deserializer)

    def test_boto3_invokes_an_endpoint(self):
        body = ",".join(map(str, self.values[0])) + "\n" + ",".join(map(str, self.values[1]))
        answer = self.client.invoke_endpoint(EndpointName="fraud", ContentType="text/csv", Body=body,
                                             CustomAttributes="trace=17")
        scores = np.array(answer["Body"].read().decode().split(), np.float32)
        self.assertEqual(scores.tolist(), self.expected[:2].tolist())
        self.assertEqual(answer["ContentType"], "text/csv; charset=utf-8")
        self.assertEqual(answer["InvokedProductionVariant"], "AllTraffic")
        self.assertEqual(answer["CustomAttributes"], "trace=17")

    def test_boto3_sends_a_token_beside_its_signature(self):
        folder = pathlib.Path(self.folder.name)
        (folder / "token").write_text("secret")
        server, address = start_server(folder / "fraud.json", "--token", folder / "token")
        self.addCleanup(server.stderr.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        client = make_client(address)
        self.addCleanup(client.close)
        row = {"EndpointName": "fraud", "ContentType": "text/csv", "Body": ",".join(map(str, self.values[0]))}
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            client.invoke_endpoint(**row)
        self.assertIn("bearer token", str(caught.exception))
        client.meta.events.register("before-call.sagemaker-runtime",
                                    lambda params, **_: params["headers"].update({"X-Coppice-Token": "secret"}))
        score = client.invoke_endpoint(**row)["Body"].read().decode()
        self.assertEqual(np.float32(score), self.expected[0])

    def test_boto3_sends_a_file(self):
        body = io.BytesIO(",".join(map(str, self.values[0])).encode())
        answer = self.client.invoke_endpoint(EndpointName="fraud", ContentType="text/csv", Body=body,
                                             Accept="application/json")
        (prediction,) = json.loads(answer["Body"].read())["predictions"]
        self.assertEqual(np.float32(prediction["score"]), self.expected[0])

    def test_predictor_sends_the_test_set_in_batches(self):
        predictor = self.predictor(CSVSerializer(), CSVDeserializer())
        # As the fraud notebook does it.
        batches = np.array_split(self.values, int(ROWS / 500 + 1))
        scores = [row[0] for batch in batches for row in predictor.predict(batch)]
        np.testing.assert_array_equal(np.array(scores, np.float32), self.expected)

    def test_predictor_speaks_json(self):
        rows = [[None if np.isnan(value) else value for value in row] for row in self.values[:3].tolist()]
        answer = self.predictor(JSONSerializer(), JSONDeserializer()).predict({"instances": rows})
        scores = [np.float32(prediction["score"]) for prediction in answer["predictions"]]
        self.assertEqual(scores, self.expected[:3].tolist())

    def test_errors_are_those_of_the_service(self):
        with self.assertRaises(self.client.exceptions.ModelError) as caught:
            self.client.invoke_endpoint(EndpointName="fraud", ContentType="text/csv", Body="1,2,3")
        error = caught.exception.response
        self.assertEqual(error["OriginalStatusCode"], 400)
        self.assertIn("30", error["OriginalMessage"])
        with self.assertRaises(self.client.exceptions.ModelError) as caught:
            self.client.invoke_endpoint(EndpointName="fraud", ContentType="image/png", Body="1")
        self.assertEqual(caught.exception.response["OriginalStatusCode"], 415)
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            self.client.invoke_endpoint(EndpointName="absent", ContentType="text/csv", Body="1")
        self.assertEqual(caught.exception.response["Error"],
                         {"Code": "ValidationError", "Message": "Endpoint absent not found."})


if __name__ == "__main__":
    unittest.main()
