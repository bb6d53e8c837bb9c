"""What can go wrong in a way that a user can mend. The command line prints the message and nothing else."""


class Mistake(Exception):
    """The command was called wrongly: an unknown library, theorem or kind, other options on the same folder. Exit status 2."""


class Trouble(Exception):
    """What was asked can't be done or was not done: no network, no space, an engine that dies. Exit status 1."""


class OfOneItem:
    """Beside one of the above: an error of the theorem or the text that was asked about. Where there are many, the others go on."""
