"""Fixtures of the tests with LeanDojo."""

from dojo_fixtures import dojo_home, on_path, traced

__all__ = ["dojo_home", "on_path", "traced"]
