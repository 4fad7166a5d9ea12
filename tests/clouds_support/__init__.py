"""A stand-in for the clouds behind the real Pulumi engine.

`plugin` serves the packages `aws`, `gcp` and `azure-native`: it takes only what the SDKs' own types take, remembers
what it made in a `store`, and refuses what every cloud refuses. `harness` runs programs on it.
"""
