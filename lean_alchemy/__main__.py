"""`python -m lean_alchemy` is the command `alchemy`."""

from lean_alchemy.pipelines.commands.main import main

if __name__ == "__main__":
    main()
