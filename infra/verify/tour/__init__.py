"""Objects that a person of a workspace writes, as examples say it: nothing in them knows of this platform."""
