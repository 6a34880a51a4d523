"""The errors that a user can mend; the command line prints them as one line. Any other is our own mistake."""


class OtoscopeError(ValueError):
    """Something the user gave cannot be used; the message says what, what was expected and what to try."""


class UsageError(OtoscopeError):
    """The call itself is wrong: an unknown name, a missing option. The command line exits with 2."""
