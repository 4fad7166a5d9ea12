"""Brings the database to the schema of this MLflow. Runs in the tracking server's init container; idempotent."""

from __future__ import annotations

import os
import sys
import time

_WAIT_SECONDS = 180


def main() -> int:
    """Waits for the database, then creates or upgrades the tables. The address comes in MLP_DATABASE."""
    from mlflow.store.db.utils import _all_tables_exist, _initialize_tables, _upgrade_db, create_sqlalchemy_engine
    from sqlalchemy import text
    from sqlalchemy.exc import OperationalError

    engine = create_sqlalchemy_engine(os.environ["MLP_DATABASE"])
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
            break
        except OperationalError as error:
            if time.monotonic() > deadline:
                print(f"the database did not answer within {_WAIT_SECONDS} s: {error.orig}", file=sys.stderr)  # noqa: T201
                return 1
            time.sleep(1)
    if _all_tables_exist(engine):
        _upgrade_db(engine)
    else:
        _initialize_tables(engine)
    print("the database has this version's tables")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
