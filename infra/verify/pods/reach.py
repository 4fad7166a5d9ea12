"""Runs in a pod: says of each target whether a connection opens."""

import json
import os
import socket

seen = {}
for target in os.environ["TARGETS"].split(","):
    host, port = target.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), timeout=3):
            seen[target] = "open"
    except OSError as error:
        seen[target] = f"closed ({error.strerror or error})"

print(json.dumps(seen))
