"""What becomes of the definitions other projects ship."""

from components import upstream


def test_a_schema_loses_its_prose_and_keeps_its_fields() -> None:
    schema = {
        "description": "What a thing is.",
        "type": "object",
        "required": ["description"],
        "properties": {
            "description": {"description": "A field of that name.", "type": "string", "enum": ["description"]},
            "items": {"type": "array", "items": {"description": "One.", "type": "integer"}},
        },
        "oneOf": [{"description": "Either.", "required": ["items"]}],
    }
    assert upstream._without_prose(schema) == {
        "type": "object",
        "required": ["description"],
        "properties": {
            "description": {"type": "string", "enum": ["description"]},
            "items": {"type": "array", "items": {"type": "integer"}},
        },
        "oneOf": [{"required": ["items"]}],
    }
