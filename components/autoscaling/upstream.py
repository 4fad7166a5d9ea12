"""Karpenter's kinds, from the module that its binary is built of."""

from components.contract import Upstream

KINDS = Upstream(
    name="karpenter",
    pinned_by="karpenter",
    module="github.com/aws/karpenter-provider-aws",
    files=("pkg/apis/crds/karpenter.*.yaml",),
)
"""NodePool, NodeClaim, NodeOverlay and EC2NodeClass."""
