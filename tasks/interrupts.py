"""What stops a running job. Not `Exception`s, so that a job's own `except` doesn't swallow them."""


class Interrupt(BaseException):
    """The job has to stop now; raised by the context at a checkpoint."""


class CancelRequested(Interrupt):
    """Somebody cancelled the task."""


class TimedOut(Interrupt):
    """The attempt took longer than its job allows."""


class HandBack(Interrupt):
    """This worker is shutting down: another one goes on."""


class LeaseLost(Interrupt):
    """Another worker holds the task, or may: nothing may be written any more."""
