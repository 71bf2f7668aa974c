"""How to look at a service. A probe knows nothing of the database: it gets its configuration
and a target, and says what it saw."""
