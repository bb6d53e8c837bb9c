"""A group of commands of which the first needs no name: `alchemy eval --benchmark core …` is `alchemy eval run --benchmark core …`."""

import typer
import typer.core


class DefaultCommand(typer.core.TyperGroup):
    """Options without the name of a command go to the first one, `--help` included. So the parser requires what that one requires, and
    nothing of the others."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:
        first = next(iter(self.commands))
        if not args or args[0].startswith("-"):
            args = [first, *args]
        return super().parse_args(ctx, args)
