"""What a person can get wrong when starting the vendor server."""


class WrongInputError(ValueError):
    """A path, number or fault list that cannot be used; the message is one sentence for the terminal."""
