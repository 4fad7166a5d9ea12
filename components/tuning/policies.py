"""What experiments may say, beyond what Katib itself judges."""

from __future__ import annotations

from components.isolation.policies.model import Match, Policy, Rule
from components.tuning.names import NAME
from components.tuning.rbac import GROUP

_SPEC = "object.spec"
_SOURCE = f"{_SPEC}.trialTemplate.configMap"


def policies() -> tuple[Policy, ...]:
    """Katib reads a trial's template with its own rights, from whatever namespace the experiment names, and quotes what
    it found there. Policies are asked before its webhook."""
    return (
        Policy(
            name="mlp-experiments",
            component=NAME,
            matches=(Match(GROUP, ("experiments",), version="v1beta1"),),
            rules=(
                Rule(
                    "trial-templates",
                    f"!has({_SPEC}.trialTemplate) || !has({_SOURCE}) || (has({_SOURCE}.configMapNamespace)"
                    f" && {_SOURCE}.configMapNamespace == request.namespace)",
                    "the ConfigMap of the trial template is refused: set configMapNamespace to the experiment's own "
                    "namespace",
                ),
                Rule(
                    "resume-policies",
                    f"!has({_SPEC}.resumePolicy) || {_SPEC}.resumePolicy in ['', 'Never', 'LongRunning']",
                    "the resumePolicy is refused: use Never or LongRunning, since FromVolume needs a volume that "
                    "outlives the experiment",
                ),
            ),
        ),
    )
