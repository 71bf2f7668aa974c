def create_key(*, name, scopes, actor): return None, "nxs_stub"
