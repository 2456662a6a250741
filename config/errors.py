"""Why `manage.py up` ends before it is asked to."""


class CannotRun(Exception):
    """Something that the start needs is not there; the message says it in one line."""


class ServerFailed(CannotRun):
    """An embedded server cannot run."""


class PortTaken(CannotRun):
    """Another program listens where the web should."""


class NotPrepared(CannotRun):
    """The database or the broker cannot be used."""


class GivenUp(CannotRun):
    """A process died so often that starting it again is no help."""


class AlreadyRunning(Exception):
    """Another `up` holds the data directory."""
