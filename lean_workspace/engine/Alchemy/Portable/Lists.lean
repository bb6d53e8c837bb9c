import Lean.Elab.Command

/-!
# Lists: the functions of `List` that the embedded Lean has no code for

The library files of the embedded Lean hold no code for private and specialised functions. A call
to most functions of `List` that work for every type fails when the engine is compiled there:
`Unknown constant List.reverse._redArg`. The functions of the namespace `L` stand in for them, with
the same names and the same arguments: write `L.map f xs` for `xs.map f` and `L.any xs p` for
`xs.any p`. They mean the same in a native Lean.

These do have code and are used as they are: `for x in xs`, `xs.foldl f b`, `xs.contains a`,
`xs.lookup a`, `", ".intercalate xs`, `array.toList`, `xs.toArray`.
-/

namespace Alchemy.L

/-- `L.reverseAux [2, 1] [3]` is `[1, 2, 3]`. -/
def reverseAux : List α → List α → List α
  | [], ys => ys
  | x :: xs, ys => reverseAux xs (x :: ys)

/-- `L.reverse [1, 2, 3]` is `[3, 2, 1]`. -/
def reverse (xs : List α) : List α := reverseAux xs []

/-- `L.append [1] [2, 3]` is `[1, 2, 3]`. -/
def append (xs ys : List α) : List α := reverseAux (reverse xs) ys

/-- `L.length [1, 2, 3]` is `3`. -/
def length : List α → Nat
  | [] => 0
  | _ :: xs => length xs + 1

/-- `L.map (· + 1) [1, 2]` is `[2, 3]`. -/
def map (f : α → β) : List α → List β
  | [] => []
  | x :: xs => f x :: map f xs

/-- `L.filter (· > 1) [1, 2, 3]` is `[2, 3]`. -/
def filter (p : α → Bool) : List α → List α
  | [] => []
  | x :: xs => if p x then x :: filter p xs else filter p xs

/-- `L.filterMap String.toNat? ["1", "a"]` is `[1]`. -/
def filterMap (f : α → Option β) : List α → List β
  | [] => []
  | x :: xs => match f x with
    | some y => y :: filterMap f xs
    | none => filterMap f xs

/-- `List.filterMapM` in `MetaM`, from left to right. -/
def filterMapM (f : α → Lean.Meta.MetaM (Option β)) : List α → Lean.Meta.MetaM (List β)
  | [] => return []
  | x :: xs => do
    let y ← f x
    let ys ← filterMapM f xs
    return match y with
      | some y => y :: ys
      | none => ys

/-- `L.flatten [[1], [2, 3]]` is `[1, 2, 3]`. -/
def flatten : List (List α) → List α
  | [] => []
  | xs :: xss => append xs (flatten xss)

/-- `L.flatMap (fun x => [x, x]) [1, 2]` is `[1, 1, 2, 2]`. -/
def flatMap (f : α → List β) (xs : List α) : List β := flatten (map f xs)

/-- `L.any [1, 2] (· > 1)` is `true`. -/
def any (xs : List α) (p : α → Bool) : Bool :=
  match xs with
  | [] => false
  | x :: xs => p x || any xs p

/-- `L.find? (· > 1) [1, 2, 3]` is `some 2`. -/
def find? (p : α → Bool) : List α → Option α
  | [] => none
  | x :: xs => if p x then some x else find? p xs

/-- `L.findSome? String.toNat? ["a", "1"]` is `some 1`. -/
def findSome? (f : α → Option β) : List α → Option β
  | [] => none
  | x :: xs => match f x with
    | some y => some y
    | none => findSome? f xs

/-- The element at index `i`: `L.get? [5, 6] 1` is `some 6`. -/
def get? : List α → Nat → Option α
  | [], _ => none
  | x :: _, 0 => some x
  | _ :: xs, i + 1 => get? xs i

/-- `L.getLast? [1, 2]` is `some 2`. -/
def getLast? : List α → Option α
  | [] => none
  | [x] => some x
  | _ :: xs => getLast? xs

/-- `L.take 2 [1, 2, 3]` is `[1, 2]`. -/
def take : Nat → List α → List α
  | 0, _ => []
  | _, [] => []
  | n + 1, x :: xs => x :: take n xs

/-- `L.drop 2 [1, 2, 3]` is `[3]`. -/
def drop : Nat → List α → List α
  | 0, xs => xs
  | _, [] => []
  | n + 1, _ :: xs => drop n xs

/-- `L.zip [1, 2] [3, 4]` is `[(1, 3), (2, 4)]`; what is left of the longer list is dropped. -/
def zip : List α → List β → List (α × β)
  | x :: xs, y :: ys => (x, y) :: zip xs ys
  | _, _ => []

/-- `L.range' 1 3` is `[1, 2, 3]`: `len` numbers from `start` on. -/
def range' (start : Nat) : (len : Nat) → List Nat
  | 0 => []
  | len + 1 => start :: range' (start + 1) len

/-- Sorts by `le`; equal elements stay in their order. -/
partial def mergeSort (xs : List α) (le : α → α → Bool) : List α :=
  match xs with
  | [] => []
  | [x] => [x]
  | xs =>
    let half := length xs / 2
    merge [] (mergeSort (take half xs) le) (mergeSort (drop half xs) le)
where
  /-- The two sorted lists as one, after what is reversed in `acc`. -/
  merge (acc : List α) : List α → List α → List α
    | [], ys => reverseAux acc ys
    | xs, [] => reverseAux acc xs
    | x :: xs, y :: ys =>
      if le x y then merge (x :: acc) xs (y :: ys) else merge (y :: acc) (x :: xs) ys

/-- `L.permutations'Aux 1 [2, 3]` is `[[1, 2, 3], [2, 1, 3], [2, 3, 1]]`. -/
def permutations'Aux (x : α) : List α → List (List α)
  | [] => [[x]]
  | y :: ys => (x :: y :: ys) :: map (fun zs => y :: zs) (permutations'Aux x ys)

/-- All orders of a list: of `n` elements there are `n!`. -/
def permutations' : List α → List (List α)
  | [] => [[]]
  | x :: xs => flatMap (permutations'Aux x) (permutations' xs)

/-- `PersistentArray.toList`. -/
partial def ofPersistentArray (a : Lean.PersistentArray α) : List α :=
  append (ofNode a.root) a.tail.toList
where
  ofNode : Lean.PersistentArrayNode α → List α
    | .node children => flatMap ofNode children.toList
    | .leaf values => values.toList

end Alchemy.L
