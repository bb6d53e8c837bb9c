"""Writes the files of LeanDojo's `ExtractData.lean`, `*.ast.json` and `*.dep_paths`, from a description by hand.

A description is a tree in the order of the file. A string is a token, which is searched in the source after the last one; it may contain
blanks. The other nodes are `Syntax` in the JSON of Lean's derived ToJson.
"""

import json
from pathlib import Path

import msgspec
from places import LIBRARIES

HERE = LIBRARIES


class Node(msgspec.Struct):
    """A node of Lean's syntax. before, after: for a tactic, the states before and after it."""

    kind: str
    children: tuple = ()
    before: str | None = None
    after: str | None = None


class Name(msgspec.Struct):
    """An identifier. full: the constant that it resolves to."""

    text: str
    full: str | None = None


def null(*children: object) -> Node:
    return Node("null", children)


def tactic(before: str, after: str, *children: object) -> Node:
    return Node("Lean.Parser.Tactic.any", children, before, after)


def steps(*tactics: Node) -> Node:
    """`by` and its tactics."""
    between = [one for tactic in tactics for one in (tactic, null())][:-1]
    return Node("Lean.Parser.Term.byTactic", ("by", sequence(*between)))


def sequence(*children: object) -> Node:
    return Node("Lean.Parser.Tactic.tacticSeq", (Node("Lean.Parser.Tactic.tacticSeq1Indented", (null(*children),)),))


def modifiers(*children: object) -> Node:
    return Node("Lean.Parser.Command.declModifiers", (null(*children),))


def parts(keyword: str, name: str, signature: str, proof: object, levels: str | None = None) -> tuple:
    return (keyword, Node("Lean.Parser.Command.declId", (Name(name), null(*([levels] if levels else [])))),
            Node("Lean.Parser.Command.declSig", (signature,)), Node("Lean.Parser.Command.declValSimple", (":=", proof)))


def theorem(name: str, signature: str, proof: object, levels: str | None = None, before: Node = modifiers()) -> Node:
    node = Node("Lean.Parser.Command.theorem", parts("theorem", name, signature, proof, levels))
    return Node("Lean.Parser.Command.declaration", (before, node))


def lemma(name: str, signature: str, proof: object) -> Node:
    return Node("lemma", (modifiers(), Node("group", parts("lemma", name, signature, proof))))


def docstring(text: str) -> Node:
    return Node("Lean.Parser.Command.docComment", ("/--", text))


HEADER = Node("Lean.Parser.Module.header", (null(),))

ADD_ZERO = ("n : Nat\n⊢ n + 0 = n", "no goals")
SWAP = ("α : Sort u\na b c : Nat\n⊢ a + b + c = a + c + b", "α : Sort u\na b c : Nat\n⊢ a + (c + b) = a + c + b", "no goals")
BOTH = ("h : 1 = 1\n⊢ 1 = 1 ∧ 1 = 1", "case left\nh : 1 = 1\n⊢ 1 = 1\n\ncase right\nh : 1 = 1\n⊢ 1 = 1")
LEFT, RIGHT = "case left\nh : 1 = 1\n⊢ 1 = 1", "case right\nh : 1 = 1\n⊢ 1 = 1"


def bullet(state: str) -> Node:
    return Node("Lean.cdot", ("·", sequence(tactic(state, "no goals", "exact", Name("h")))), state, "no goals")


BASIC = [
    HEADER,
    Node("Lean.Parser.Command.moduleDoc", ("/-!", "Theorems with the proofs that a person writes. -/")),
    Node("Lean.Parser.Command.namespace", ("namespace", Name("Pears"))),
    theorem("add_zero", "(n : Nat) : n + 0 = n", steps(tactic(*ADD_ZERO, "rfl")),
            before=modifiers(docstring("A comment that belongs to it. -/"))),
    theorem("swap", "{α : Sort u} (a b c : Nat) : a + b + c = a + c + b", steps(
        tactic(*SWAP[:2], "rw", "[", Name("Nat.add_assoc", "Nat.add_assoc"), ",", Name("Nat.add_comm", "Nat.add_comm"), Name("b"), "]"),
        tactic(*SWAP[1:], "rw", "[", "←", Name("Nat.add_assoc", "Nat.add_assoc"), "]")), levels=".{u}"),
    lemma("both", "(h : 1 = 1) : 1 = 1 ∧ 1 = 1", steps(tactic(*BOTH, "constructor"), bullet(LEFT), bullet(RIGHT))),
    theorem("hidden", "(n : Nat) : n = n", steps(tactic("n : Nat\n⊢ n = n", "no goals", "rfl")),
            before=modifiers(Node("Lean.Parser.Command.private", ("private",)))),
    theorem("by_term", "(n : Nat) : n = n", Node("term", (Name("rfl", "rfl"),))),
    theorem("later", "(n : Nat) : n < n + 1", steps(tactic("n : Nat\n⊢ n < n + 1", "no goals", "sorry"))),
    theorem("trusted", ": 2 + 2 = 4", steps(tactic("⊢ 2 + 2 = 4", "no goals", "native_decide"))),
    Node("Lean.Parser.Command.macro", ("macro", '"trivially" n:ident : command => `(', Node("Lean.Parser.Command.declaration", (
        modifiers(), Node("Lean.Parser.Command.theorem", (
            "theorem", Node("Lean.Parser.Command.declId.antiquot", ("$", Name("n"))), Node("Lean.Parser.Command.declSig", (": True",)),
            Node("Lean.Parser.Command.declValSimple", (":=", Node("Lean.Parser.Term.byTactic", ("by", "trivial")))))))), ")")),
    Node("Lean.Parser.Command.end", ("end", null(Name("Pears")))),
]
"""`dojo/pears/Pears/Basic.lean`."""


def module_import(module: str) -> Node:
    return Node("Lean.Parser.Module.import", ("import", null(), Name(module)))


ROOT = [Node("Lean.Parser.Module.header", (null(), null(module_import("Pears.Basic"), module_import("Pears.Broken"))))]
"""`dojo/pears/Pears.lean`."""


class Writer:
    """Goes through a source and its description in parallel."""

    def __init__(self, source: str):
        self._source, self._at = source, 0
        self.tactics: list[dict] = []
        self.premises: list[dict] = []

    def node(self, node: Node) -> tuple[dict, int | None, int | None]:
        """Its JSON, and its first and last byte."""
        children, begin, end = [], None, None
        for child in node.children:
            made, first, last = self.node(child) if isinstance(child, Node) else self._token(child)
            children.append(made)
            begin, end = first if begin is None else begin, end if last is None else last
        if node.before is not None:
            self.tactics.append({"stateBefore": node.before, "stateAfter": node.after, "pos": begin, "endPos": end})
        return {"node": {"info": "none", "kind": node.kind, "args": children}}, begin, end

    def _token(self, token: str | Name) -> tuple[dict, int, int]:
        text = token if isinstance(token, str) else token.text
        start = self._source.index(text, self._at)
        self._at = start + len(text)
        rest = self._source[self._at:]
        trailing = rest[:len(rest) - len(rest.lstrip())]
        if rest.lstrip().startswith("-- "):  # a comment belongs to the token before it
            trailing += rest.lstrip().partition("\n")[0] + "\n"
        first, last = (len(self._source[:at].encode()) for at in (start, self._at))
        info = {"original": {"leading": "", "pos": first, "trailing": trailing, "endPos": last}}
        if isinstance(token, str):
            return {"atom": {"info": info, "val": text}}, first, last
        if token.full is not None:
            self.premises.append({"fullName": token.full, "modName": "Init.Core", "defPath": ".lake/packages/lean4/src/lean/Init/Core.lean",
                                  "defPos": {"line": 7, "column": 8}, "defEndPos": {"line": 7, "column": 8 + len(token.full)},
                                  "pos": self._position(start), "endPos": self._position(self._at)})
        return {"ident": {"info": info, "rawVal": text, "val": text, "preresolved": []}}, first, last

    def _position(self, at: int) -> dict:
        """A position as in Lean: the line from 1, the column from 0."""
        before = self._source[:at]
        return {"line": before.count("\n") + 1, "column": at - before.rfind("\n") - 1}


def trace_of(source: str, commands: list[Node]) -> str:
    """A `*.ast.json`."""
    writer = Writer(source)
    asts = [writer.node(command)[0] for command in commands]
    return json.dumps({"commandASTs": asts, "tactics": writer.tactics, "premises": writer.premises}, ensure_ascii=False)


TRACED = {"Pears/Basic": BASIC, "Pears": ROOT}
"""`Pears/Broken` is compiled, and was not traced."""


def put_traces(folder: Path) -> None:
    """Writes the files that building and tracing make in the folder of the repository `pears`."""
    for module in (*TRACED, "Pears/Broken"):
        olean = folder / ".lake/build/lib/lean" / f"{module}.olean"
        olean.parent.mkdir(parents=True, exist_ok=True)
        olean.touch()
    for module, commands in TRACED.items():
        file = folder / ".lake/build/ir" / f"{module}.ast.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(trace_of((folder / f"{module}.lean").read_text(), commands))
        imports = "Pears/Basic.lean\nPears/Broken.lean" if module == "Pears" else ""
        file.with_name(file.name.replace(".ast.json", ".dep_paths")).write_text(imports)
