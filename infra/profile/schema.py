"""The profile's JSON Schema, for editors and for tests that keep the shipped copy current."""

from __future__ import annotations

import json

from infra.profile.model import Profile


def schema_text() -> str:
    """JSON Schema (2020-12) of the profile, as written to profiles/schema.json."""
    schema = Profile.model_json_schema(by_alias=True)
    schema["properties"]["extends"] = {"type": "string", "description": "Name or path of a profile to start from."}
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"
