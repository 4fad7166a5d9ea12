"""`python -m infra.providers.hosts <engine address>`: the plugin as the engine starts it."""

from infra.providers.hosts.server import main

main()
