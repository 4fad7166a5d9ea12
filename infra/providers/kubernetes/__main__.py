"""`python -m infra.providers.kubernetes <engine address>`: the plugin as the engine starts it."""

from infra.providers.kubernetes.server import main

main()
