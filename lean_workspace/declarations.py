"""What a library declares beside its theorems: the other side is `engine/Alchemy/Serving/LibraryRequests.lean`. See `protocol.py` for the rest."""

from lean_alchemy.lean_workspace.protocol import Message, Request


class Declarations(Message):
    """[name, kind, signature] of each declaration of a module, and the modules that it imports."""

    imports: list[str]
    rows: list[tuple[str, str, str | None]]


class AskDeclarations(Request, tag="declarations"):
    """module: its number."""

    Reply = Declarations
    module: int
