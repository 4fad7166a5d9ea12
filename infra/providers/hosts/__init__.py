"""Pulumi plugin `hosts`: Host, Machine, HostImages, ControlPlane and Node.

They make a kubeadm cluster on hosts of this machine (Host) or on bare ones over SSH (Machine).
All the work is done by `infra.hosts`; here it becomes resources
with inputs, outputs, diffs and a look at what really runs.
"""

PLUGIN_VERSION = "0.1.0"
