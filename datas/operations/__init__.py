"""Running the service: serve, backup and restore, copy, doctor. No request needs this package."""
