"""Hosts of our own on this machine and kubeadm on them, free of Pulumi.

`lifecycle` starts, inspects and removes a host; `supervisor` is the process that owns one; `init` is process 1 inside.
`transport` runs commands on a host, whatever kind it is; `controlplane` and `node` make a cluster with it.
"""
