"""The embedded stack behind `make up`: real servers from wheels, run by supervisord."""
