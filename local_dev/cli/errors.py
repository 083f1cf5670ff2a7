"""What a person can get wrong on the command line."""

from shared.errors import PermanentError


class WrongInput(PermanentError):
    """One sentence for the terminal; the command ends with exit code 2."""
