"""The one user of Pulumi's Automation API: stacks, secrets, progress events and an error tree of our own.

`engine` holds `Engine`; `model` what goes in and comes out; `errors` what it raises; `events` turns the engine's
events into ours; `project` is what lies under the stacks, `home` its folder, `command` the CLI, `vault` the secrets
at rest, `state` the checkpoint; `repair` mends what an interrupted run left there.
"""
