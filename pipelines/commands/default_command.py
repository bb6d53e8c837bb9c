"""A command group with a default command: `alchemy eval --benchmark core …` means `alchemy eval run --benchmark core …`."""

import typer
import typer.core


class DefaultCommand(typer.core.TyperGroup):
    """Options without the name of a command go to the first command of the group, `--help` included. The parser then requires the options
    of that command."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:
        first = next(iter(self.commands))
        if not args or args[0].startswith("-"):
            args = [first, *args]
        return super().parse_args(ctx, args)
