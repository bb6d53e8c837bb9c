"""What can go wrong in a way that a user can mend. The front door prints the message and nothing else."""


class Mistake(Exception):
    """The command was called wrongly: an unknown library, theorem or kind, other options on the same folder."""


class Trouble(Exception):
    """What was asked can't be done or was not done: no network, no space, an engine that dies."""
