"""What can be wrong with a whole file, or with what was said of it."""

from shared.errors import PermanentError


class WrongFile(PermanentError):
    """The file cannot be imported as it was asked; the message is one sentence for who asked."""
