"""Errors that a user can fix. The command line prints their message without a traceback."""


class Mistake(Exception):
    """Wrong use: an unknown library, theorem or kind, or other options on the same folder. Exit status 2."""


class Trouble(Exception):
    """The work failed or was not finished: no network, no disk space, an engine that died. Exit status 1."""


class OfOneItem:
    """Marks errors that concern a single theorem or text. A job over many of them goes on with the others."""
