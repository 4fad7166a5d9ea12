"""Runs in a pod: says of each target whether a connection opens, asked again for PATIENCE seconds."""

import json
import os
import socket
import time

deadline = time.monotonic() + float(os.environ["PATIENCE"])


def reach(host, port):
    while True:
        try:
            with socket.create_connection((host, int(port)), timeout=3):
                return "open"
        except OSError as error:
            if time.monotonic() >= deadline:
                return f"closed ({error.strerror or error})"
        time.sleep(0.5)


seen = {}
for target in os.environ["TARGETS"].split(","):
    seen[target] = reach(*target.rsplit(":", 1))

print(json.dumps(seen))
