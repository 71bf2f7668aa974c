"""Acting on services: start, stop and restart in the order of their dependencies, and logs."""
