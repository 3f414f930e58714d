"""The HTTP adapter: thin. It reads requests, calls the service, and writes responses."""
