"""What the tests with LeanDojo share."""

from dojo_fixtures import dojo_home, on_path, traced

__all__ = ["dojo_home", "on_path", "traced"]
