"""What can go wrong while the embedded stack starts."""


class StackError(Exception):
    """The embedded stack can't run; the message is a sentence that says what to do."""
