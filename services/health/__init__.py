"""What becomes of what probes saw: health and its history, errors, alerts and their causes."""
