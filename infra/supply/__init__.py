"""Images for the cluster. `source` supply writes OCI blobs itself: no registry, no container engine, nothing running.

Images that others made come from archives (given.py) and are delivered beside them.

`SourceSupply` (source.py) is the entrance; docs/adr/0002-images-are-written-not-run.md says why it is built this way.
"""
