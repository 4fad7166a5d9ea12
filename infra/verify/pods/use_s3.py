"""Runs in a pod of B with B's keys: uses the own bucket, and tries the others. GOT on another one's is a leak."""

import json
import os

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

client = boto3.client("s3", config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}))
own, others = os.environ["OWN_BUCKET"], os.environ["OTHER_BUCKETS"].split(",")
seen = {}


def attempt(name, call, **arguments):
    try:
        answer = call(**arguments)
        seen[name] = f"GOT {answer['ResponseMetadata']['HTTPStatusCode']}"
    except ClientError as error:
        seen[name] = error.response["Error"]["Code"]


attempt("write own", client.put_object, Bucket=own, Key="x", Body=b"x")
attempt("read own", client.get_object, Bucket=own, Key="x")
for bucket in others:
    attempt(f"list {bucket}", client.list_objects_v2, Bucket=bucket)
    attempt(f"list {bucket} by prefix", client.list_objects_v2, Bucket=bucket, Prefix="workspaces/")
    attempt(f"read from {bucket}", client.get_object, Bucket=bucket, Key="x")
    attempt(f"read {bucket} through the own bucket", client.get_object, Bucket=own, Key=f"../{bucket}/x")
    attempt(f"write to {bucket}", client.put_object, Bucket=bucket, Key="y", Body=b"y")
    attempt(f"policy of {bucket}", client.get_bucket_policy, Bucket=bucket)
seen["buckets"] = [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]

print(json.dumps(seen))
