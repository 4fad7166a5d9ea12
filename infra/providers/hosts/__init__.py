"""Pulumi plugin `hosts`: Host, HostImages, ControlPlane and Node.

They make a kubeadm cluster on hosts of this machine. All the work is done by `infra.hosts`; here it becomes resources
with inputs, outputs, diffs and a look at what really runs.
"""

PLUGIN_VERSION = "0.1.0"
