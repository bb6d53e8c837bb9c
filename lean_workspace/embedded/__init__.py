"""A real Lean 4 that installs from the package registries: no toolchain, no compiler, no root."""
