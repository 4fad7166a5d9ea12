"""The Celery application, made from settings; tasks are added by the worker."""

from __future__ import annotations

from celery import Celery

from controlplane.settings import Settings

VISIBILITY_SECONDS = 60
"""A message whose worker died comes back after this. It may come twice: the fence makes that harmless."""


def make_celery(settings: Settings) -> Celery:
    """JSON only, late acknowledgement, no prefetch, no results. The truth is in the database."""
    app = Celery("controlplane", broker=settings.broker_url.get_secret_value(), set_as_current=False)
    socket = {"socket_connect_timeout": 1.0, "socket_timeout": 5.0, "socket_keepalive": True}
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        result_serializer="json",
        event_serializer="json",
        result_backend=None,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_default_queue="operations",
        task_create_missing_queues=False,
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        worker_soft_shutdown_timeout=20.0,
        worker_enable_soft_shutdown_on_idle=True,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=1.0,
        broker_transport_options={
            **socket,
            "visibility_timeout": VISIBILITY_SECONDS,
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
            "max_retries": 0,
        },
        visibility_timeout=VISIBILITY_SECONDS,
        enable_utc=True,
    )
    return app
