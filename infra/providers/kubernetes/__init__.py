"""A Pulumi provider plugin for Kubernetes objects, in place of the official one where that can't be had.

It takes the same type tokens, inputs, annotations and provider settings, so programs run with either; the cases both
must hold alike are the tests in tests/contract/kubernetes_provider. Only server-side apply is offered.

`rules` and `readiness` are pure; `client` is the only module that talks to an API server; `waits` watches;
`provider` answers the engine; `server` serves it.
"""

PLUGIN_NAME = "kubernetes"
PLUGIN_VERSION = "4.28.0"
"""The official plugin's version whose behaviour is followed; programs name it in `ResourceOptions(version=…)`."""
