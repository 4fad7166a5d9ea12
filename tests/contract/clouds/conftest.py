"""What tests of clouds share."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # Google's SDK says once, as it is loaded, which optional package it can do without.
    warnings.simplefilter("ignore", ImportWarning)
    import google.cloud.storage  # noqa: F401
