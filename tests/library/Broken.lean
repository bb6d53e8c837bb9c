theorem Broken.good (n : Nat) : n + 0 = n := rfl

theorem Broken.bad (n : Nat) : n + 1 = n := by omega

theorem Broken.sorried (n : Nat) : n + 2 = n := by sorry

theorem Broken.unfinished (n : Nat :
