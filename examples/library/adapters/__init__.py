"""Where the library keeps its records."""
