"""The SDKs that data scientists know, run as a member of a workspace with nothing but a platform token."""
