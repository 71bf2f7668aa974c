"""Connections to where users of the API say: to public addresses, and to others when allowed.

    with http.client(deadline=target.deadline) as client:
        answer = client.get("https://example.com/health")

What a name resolves to is checked, and just what was checked is connected to: there is no
second resolution that could say otherwise. `deadline` is in monotonic seconds everywhere.
"""
