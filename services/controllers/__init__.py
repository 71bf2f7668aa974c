"""How to act on a service: start, stop, restart, logs. Like probes, controllers know nothing of
the database."""
