"""The one user of Pulumi's Automation API: stacks, secrets, progress events and an error tree of our own.

`engine` holds `Engine`; `model` what goes in and comes out; `errors` what it raises; `events` turns the engine's
events into ours; `home` lays out the project folder; `vault` encrypts stack secrets the way the Pulumi CLI does;
`command` runs the CLI; `repair` mends what an interrupted run left in a state.
"""
