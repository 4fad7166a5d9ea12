"""The queue's settings, each of which keeps work from being lost or forged."""

from __future__ import annotations

from controlplane.celery_app import VISIBILITY_SECONDS, make_celery
from controlplane.settings import Settings
from tests.servers.facts import facts


def test_the_settings_that_matter() -> None:
    app = make_celery(
        Settings.model_validate(
            {
                "database_url": "postgresql+psycopg://x@127.0.0.1/x",
                "broker_url": "redis://127.0.0.1:1/0",
                "facts": facts(),
            }
        )
    )
    conf = app.conf
    assert (conf.accept_content, conf.task_serializer) == (["json"], "json")
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.task_ignore_result
    assert conf.result_backend in (None, "disabled://")
    assert conf.worker_soft_shutdown_timeout > 0
    assert not conf.worker_enable_remote_control
    transport = conf.broker_transport_options
    assert transport["visibility_timeout"] == conf.visibility_timeout == VISIBILITY_SECONDS
    assert (transport["unacked_restore_interval"], transport["unacked_restore_throttle"]) == (1, 1)
