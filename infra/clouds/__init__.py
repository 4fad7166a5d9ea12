"""Questions to the clouds through their own SDKs: rights, quotas, leftovers, prices. One folder for each cloud."""
