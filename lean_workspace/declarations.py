"""The declarations of a library that are no theorems; the other side is `engine/Alchemy/Export.lean`. See `protocol.py` for the rest."""

from lean_alchemy.lean_workspace.protocol import Message, Request


class Declarations(Message, frozen=True):
    """rows: (name, kind, signature) of each declaration of a module. imports: the modules that it imports."""

    imports: list[str]
    rows: list[tuple[str, str, str | None]]


class AskDeclarations(Request[Declarations], tag="declarations", frozen=True):
    """module: the number of a module."""

    Reply = Declarations
    module: int
