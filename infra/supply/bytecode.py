"""Byte code that depends on the source alone, made by the images' own Python.

Files carry the hash of their source and are never checked against it, so times do not matter and a read-only image
needs no compiling at start. Each top-level entry is compiled in a process forked from the same state: what ends up in
a file does not depend on how many run at once.
"""

from __future__ import annotations

import os
from pathlib import Path

from infra.supply.process import CLEAN, run_isolated
from infra.supply.tree import remove_where

_COMPILE = """
import compileall, os, py_compile, sys
folder, dest, workers = sys.argv[1], sys.argv[2], int(sys.argv[3])
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
running, failed = 0, 0
for entry in sorted(os.listdir(folder)):
    path = os.path.join(folder, entry)
    if not (os.path.isdir(path) and not os.path.islink(path) or entry.endswith('.py')):
        continue
    if running == workers:
        failed += os.wait()[1] != 0
        running -= 1
    if os.fork() == 0:
        code = 1
        try:
            options = dict(quiet=2, force=True, stripdir=folder, prependdir=dest, invalidation_mode=mode)
            compile_one = compileall.compile_dir if os.path.isdir(path) else compileall.compile_file
            if compile_one is compileall.compile_dir:
                options['maxlevels'] = 40
            compile_one(path, **options)
            code = 0
        finally:
            os._exit(code)
    running += 1
while running:
    failed += os.wait()[1] != 0
    running -= 1
sys.exit(1 if failed else 0)
"""
"""compile_dir's own answer is not asked for: packages carry templates and samples that are no valid Python."""

_ENTER = 'mount --bind "$1" "$2/mnt" && exec chroot "$2" /usr/bin/python3 -sSB -c "$3" /mnt "$4" "$5"'


def compile_tree(base_root: Path, folder: Path, dest: str, what: str) -> None:
    """Compiles every module below `folder`, which the image will have at `dest`, with the Python in `base_root`.

    Byte code that is there already is replaced. Files that are no valid Python are left without.
    """
    remove_where(folder, lambda path: path.name == "__pycache__")
    environment = {**CLEAN, "PYTHONHASHSEED": "0"}
    workers = str(min(os.cpu_count() or 1, 8))
    enter = ("sh", "-c", _ENTER, "sh", str(folder), str(base_root), _COMPILE, dest, workers)
    run_isolated(enter, what, environment, network=False)
