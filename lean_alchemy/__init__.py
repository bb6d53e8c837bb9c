"""Multiplies the theorems of a Lean library by symbolic mutation, verified by Lean, to train theorem provers.

All code is imported from here: `lean_alchemy.mutation`, `lean_alchemy.pipelines`, … The rooms lie at the top of the checkout; the
links beside this file lead to them, so that a checkout, an installed package, an editor and Ray's workers see the same modules, and no
folder `training/` or `eval/` of a user's project can be taken for ours.
"""
