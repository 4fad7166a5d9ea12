"""Asks that a plan of an installation that was just made changes nothing, and says how long the plan took.

`python -m tests.e2e.unchanged PROFILE` exits 1 where the plan names a resource, or does not know what is there.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time


def main() -> int:
    """Prints the counts, or each resource that is not as it should be."""
    began = time.monotonic()
    asked = [".venv/bin/platform", "plan", "--profile", sys.argv[1], "--json"]
    plan = json.loads(subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=True).stdout)
    seconds = time.monotonic() - began
    for step in plan["steps"]:
        for change in step["resources"]:
            sys.stdout.write(f"{step['name']}: {change['op']} {change['kind']}\n")
    total = plan["total"]
    sys.stdout.write(f"plan: {total} in {seconds:.1f} s\n")
    return 0 if total.pop("same") > 0 and not any(total.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
