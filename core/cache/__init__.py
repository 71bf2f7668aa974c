"""The cache: a memory in each process over one in Valkey, kept coherent by the server."""
