"""What every Pulumi provider plugin of ours needs: property values as plain data, and serving the engine over gRPC."""
