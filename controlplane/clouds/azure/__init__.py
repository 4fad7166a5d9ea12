"""Azure: a container, an identity, and who may use them. No other module speaks to Azure Resource Manager."""
