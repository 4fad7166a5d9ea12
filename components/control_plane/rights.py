"""What the web application may do in the cluster: see what runs in workspaces, and stop, resume and delete it.

It acts only after it has asked RBAC about the person who calls. Admission narrows these rights further
(components/isolation/policies/web.py): workspaces only, and of an object nothing but what stops or resumes it. It makes
nothing with them: what people start is made in their names (`people.py`).
"""

from __future__ import annotations

from components.isolation.rbac import Rule, rule

_SEE = ("get", "list")
_SWITCH = (*_SEE, "patch", "delete")

API_RULES: tuple[Rule, ...] = (
    rule("authentication.k8s.io", ("tokenreviews",), ("create",)),
    rule("authorization.k8s.io", ("subjectaccessreviews",), ("create",)),
    rule("", ("pods",), (*_SEE, "delete")),
    rule("", ("pods/log",), ("get",)),
    rule("", ("events",), ("list",)),
    rule("batch", ("jobs",), _SWITCH),
    rule("trainer.kubeflow.org", ("trainjobs",), _SWITCH),
    rule("kubeflow.org", ("tfjobs", "pytorchjobs", "mpijobs"), _SWITCH),
    rule("kubeflow.org", ("experiments",), (*_SEE, "delete")),
    rule("kubeflow.org", ("trials",), _SEE),
    rule("argoproj.io", ("workflows", "cronworkflows"), _SWITCH),
    rule("argoproj.io", ("workflowtemplates",), (*_SEE, "delete")),
    rule("serving.kserve.io", ("inferenceservices",), _SWITCH),
    rule("kueue.x-k8s.io", ("workloads",), (*_SEE, "patch")),
)
"""Rights on kinds that are not installed do no harm."""
