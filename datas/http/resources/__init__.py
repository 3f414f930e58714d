"""The resources: what each address does for each method."""
