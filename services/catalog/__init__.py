"""What the API, the admin and the command line show of services."""
