"""HTTP to the API server: pooled connections, time-outs, bounded retries, a count of requests."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from lightkube.config.client_adapter import ConnectionParams
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import User
from lightkube.core.exceptions import ConfigError

from controlplane.kube.errors import Conflict, KubeError, Unreachable, from_status

Params = Mapping[str, str]

_RETRIED = frozenset({429, 500, 502, 503, 504})
_COUNTED = 'Operation cannot be fulfilled on resourcequotas "'
"""Of a 409: others made objects of the same quota at the same moment, and this one was not made."""


@dataclass(frozen=True)
class Patience:
    """How long one request may take in all. Seconds."""

    timeout: float = 10.0
    """Of one attempt."""
    total: float = 20.0
    """Of all attempts with the pauses between them; no attempt starts later than this."""
    attempts: int = 6
    longest_pause: float = 8.0
    """An asked-for Retry-After is honoured up to here; a longer one is left to the operation's own backoff."""


class Counter:
    """Counts requests of one piece of work, from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests = 0

    def add(self) -> None:
        """One more attempt, answered or not."""
        with self._lock:
            self.requests += 1


@dataclass(frozen=True)
class _Call:
    method: str
    path: str
    params: Params | None
    content: bytes | None
    headers: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def load_config(kubeconfig: Path | None) -> SingleConfig:
    """The kubeconfig's current context, or the pod's own service account when there is none."""
    try:
        config = KubeConfig.from_file(kubeconfig) if kubeconfig else KubeConfig.from_service_account()
        chosen = config.get()
    except (ConfigError, KeyError, OSError) as error:
        raise KubeError(
            f"no way to the Kubernetes API: {error}; expected a readable kubeconfig, or a service account in the pod"
        ) from error
    if chosen is None:
        raise KubeError(f"{kubeconfig} names no current context; set one with `kubectl config use-context`")
    return chosen


def without_user(config: SingleConfig) -> SingleConfig:
    """The same server, with nothing to say who calls."""
    return config._replace(user=User())


class Transport:
    """One pool of connections. Safe to use from several threads; not across fork: make one per process."""

    def __init__(
        self,
        config: SingleConfig,
        *,
        pool: int = 32,
        patience: Patience | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        # The API server is never behind the web proxy of the environment: trust_env would send it there.
        settings = ConnectionParams(timeout=httpx2.Timeout(10.0), trust_env=False, transport=transport)
        limits = httpx2.Limits(max_connections=pool, max_keepalive_connections=pool, keepalive_expiry=60.0)
        self._client = httpx2.Client(**settings.httpx_params(config), limits=limits)
        self._patience = patience or Patience()
        self._random = random.Random()  # noqa: S311 - jitter, not a secret

    def close(self) -> None:
        """Closes every connection."""
        self._client.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        counter: Counter,
        params: Params | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The answer as data. Retries what may pass by itself; everything this module sends is safe to repeat."""
        content = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        sent = {"Accept": "application/json", "Content-Type": "application/json", **(headers or {})}
        return decode(self._patiently(_Call(method, path, params, content, sent), counter).content)

    def text(self, path: str, params: Params, *, counter: Counter) -> str:
        """What a GET answers, as text."""
        return self._patiently(_Call("GET", path, params, None, {"Accept": "*/*"}), counter).text

    def _patiently(self, call: _Call, counter: Counter) -> httpx2.Response:
        limit = self._patience
        deadline = time.monotonic() + limit.total
        attempt = 0
        while True:
            attempt += 1
            answer, pause = self._once(call, counter)
            if isinstance(answer, httpx2.Response):
                return answer
            if pause is None:
                raise answer
            pause = pause or self.jitter(min(0.1 * 2 ** (attempt - 1), limit.longest_pause))
            if attempt >= limit.attempts or pause > limit.longest_pause or time.monotonic() + pause > deadline:
                raise answer
            time.sleep(pause)

    def _once(self, call: _Call, counter: Counter) -> tuple[httpx2.Response | KubeError, float | None]:
        """One attempt: the answer, or the error with the pause asked for (0: choose one, None: do not retry)."""
        counter.add()
        try:
            answer = self._client.request(
                call.method, call.path, params=call.params, content=call.content, headers=call.headers,
                timeout=self._patience.timeout,
            )  # fmt: skip
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            return Unreachable(f"{call}: {type(error).__name__}: {error}"), 0.0
        if answer.is_success:
            return answer, None
        wait = retry_after(answer.headers.get("Retry-After"))
        failure = from_status(answer.status_code, decode(answer.content), str(call), wait)
        again = answer.status_code in _RETRIED or (
            isinstance(failure, Conflict) and _COUNTED in str(failure) and "/resourcequotas/" not in call.path
        )
        return failure, (wait or 0.0) if again else None

    def stream(self, path: str, params: Params, headers: Mapping[str, str], silence: float) -> Any:
        """A context manager over a streamed answer. `silence` is the longest gap between two chunks, in seconds."""
        timeout = httpx2.Timeout(self._patience.timeout, read=silence)
        return self._client.stream("GET", path, params=params, headers=headers, timeout=timeout)

    def jitter(self, seconds: float) -> float:
        """A random time between half of `seconds` and all of it."""
        return seconds * (0.5 + self._random.random() / 2)


def decode(content: bytes) -> dict[str, Any]:
    """JSON, or a Status-like document around whatever else an intermediary answered."""
    try:
        data = json.loads(content) if content else {}
    except ValueError:
        return {"message": content[:300].decode(errors="replace")}
    return data if isinstance(data, dict) else {"message": str(data)[:300]}


def retry_after(header: str | None) -> float | None:
    """Seconds of a Retry-After header; None where it is absent or a date (Kubernetes sends seconds)."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
