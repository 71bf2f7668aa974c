"""Times in which a service may be down: nobody is told, nothing restarts it, and what happens
counts neither for nor against it."""
