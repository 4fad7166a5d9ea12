"""What AWS, GCP and Azure would say to a request, by the policies that workspaces are given."""
