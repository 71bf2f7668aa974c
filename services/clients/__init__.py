"""Talking to what runs services, for the probe and the controller of the same kind alike."""
