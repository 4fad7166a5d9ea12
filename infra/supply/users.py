"""The user that images run as unless they say otherwise: no root, no shell, but a name and a home."""

NONROOT = 65532
NONROOT_USER = f"nonroot:x:{NONROOT}:{NONROOT}:nonroot:/home/nonroot:/usr/sbin/nologin\n"
NONROOT_GROUP = f"nonroot:x:{NONROOT}:\n"
