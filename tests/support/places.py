"""Paths in the checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
LIBRARIES = TESTS / "libraries"
"""Lean files and workspaces that the tests open."""
