"""Google's client says at its first import that it would like packages for gRPC, which the platform does not use."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", ImportWarning)
    import google.api_core.exceptions
    import google.cloud.storage  # noqa: F401
