"""Mutation testing: one small change in the code at a time, drawn by seed; do the tests of its module notice?

    pip install cosmic-ray
    python tests/support/mutants.py --n 300 --seed 0 --workers 2 --out mutants.jsonl

The changes are Cosmic Ray's (another comparison, number, operator, no loop, no decorator, …). A place in the code is drawn first and then
one of its changes, because Cosmic Ray has eleven for each `+`. Left out: changes of types, which a type checker notices. Each mutant runs
the tests in a copy of the checkout; a test that fails, or does not end, notices it. The same command again goes on where it stopped.
"""

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

ROOT = Path(__file__).parents[2]

TESTS_OF = {
    "mutation/policy/": ["mutation/policy"],
    "mutation/search/explain.py": ["mutation/search/test_explain.py"],
    "mutation/search/premises.py": ["mutation/search/test_premises.py"],
    "mutation/search/classes.py": ["mutation/search/test_classes.py"],
    "mutation/search/candidates.py": ["mutation/search/test_lemmas.py", "mutation/search/test_candidates.py"],
    "mutation/search/index.py": ["mutation/search/test_walks.py", "mutation/search/test_index.py"],
    "mutation/proof_forms/": ["mutation/proof_forms"],
    "mutation/false_statements.py": ["mutation/test_false_statements.py"],
    "mutation/terms.py": ["mutation/test_term_operations.py", "mutation/test_terms.py"],
    "mutation/kinds.py": ["mutation/test_kinds.py"],
    "mutation/": ["mutation"],
    "pipelines/data/schema.py": ["pipelines/runtime/test_parquet.py", "pipelines/corpus/test_synthesize.py"],
    "pipelines/data/": ["pipelines/data", "pipelines/corpus/test_deduplicate.py", "training/test_training.py",
                        "pipelines/publishing/test_publish.py"],
    "pipelines/judging/": ["pipelines/judging", "pipelines/corpus/test_synthesize.py", "pipelines/corpus/test_refute.py"],
    "pipelines/corpus/grade.py": ["pipelines/corpus/test_grade.py"],
    "pipelines/corpus/verify.py": ["pipelines/corpus/test_verify.py"],
    "pipelines/runtime/": [f"pipelines/runtime/test_{name}.py" for name in ("stage", "parquet", "runner", "pool")],
}
"""The files that are changed, and their tests, quick ones first. The first line that fits a file counts."""

FILES = ("mutation", "pipelines/data", "pipelines/judging", "pipelines/corpus/grade.py", "pipelines/corpus/verify.py",
         *(f"pipelines/runtime/{name}.py" for name in ("stage", "shards", "runner", "blame", "pool", "parquet")))


class Mutant(NamedTuple):
    """operator, occurrence: as Cosmic Ray counts them. line: of the change."""

    file: str
    operator: str
    occurrence: int
    line: int

    @property
    def tests(self) -> list[str]:
        return next(tests for prefix, tests in TESTS_OF.items() if self.file.startswith(prefix))


def mutants() -> dict[tuple[str, tuple[int, int]], list[Mutant]]:
    """All changes, by their place: a file, and a line and column."""
    from cosmic_ray import plugins
    from cosmic_ray.ast import ast_nodes, get_ast

    found: dict[tuple[str, tuple[int, int]], list[Mutant]] = {}
    operators = [(name, plugins.get_operator(name)) for name in plugins.operator_names()]
    for file in sorted(file for name in FILES for file in ((ROOT / name).rglob("*.py") if (ROOT / name).is_dir() else [ROOT / name])):
        source, name = file.read_text(encoding="utf-8"), str(file.relative_to(ROOT))
        spans = types(ast.parse(source))
        tree = get_ast(source)
        for operator, made in operators:
            if made.arguments():
                continue
            places = (place for node in ast_nodes(tree) for place, _ in made().mutation_positions(node))
            for occurrence, place in enumerate(places):
                if not any(begin <= place < end for begin, end in spans):
                    found.setdefault((name, place), []).append(Mutant(name, operator, occurrence, place[0]))
    return found


Span = tuple[tuple[int, int], tuple[int, int]]


def types(tree: ast.Module) -> list[Span]:
    """From where to where (line, column) types stand: annotations of arguments, results and variables, and aliases such as
    `Reply = Yes | No`."""
    nodes = [getattr(node, field, None) for node in ast.walk(tree) for field in ("annotation", "returns")]
    nodes += [node.value for node in tree.body if isinstance(node, ast.Assign)
              and isinstance(node.value, ast.BinOp) and isinstance(node.value.op, ast.BitOr)]
    return [((node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0))
            for node in nodes if isinstance(node, ast.expr)]


def draw(n: int, seed: int, only: str = "") -> list[Mutant]:
    """n places (all, if there are fewer), and a change of each. only: in files whose names begin so."""
    found = mutants()
    chance = random.Random(seed)
    places = sorted(place for place in found if place[0].startswith(only))
    places = chance.sample(places, min(n, len(places)))
    return [chance.choice(found[place]) for place in places]


def copy_of_checkout(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT, folder, symlinks=True, ignore=shutil.ignore_patterns(".git", ".venv", "__pycache__", "*.egg-info"))
    return folder


def run(mutant: Mutant, copy: Path, limit_s: float) -> dict:
    """Was it noticed, and by what?"""
    from cosmic_ray import plugins
    from cosmic_ray.mutating import mutate_code

    file = copy / mutant.file
    before, started = file.read_text(encoding="utf-8"), time.monotonic()
    after = mutate_code(before, plugins.get_operator(mutant.operator)(), mutant.occurrence)
    assert after is not None
    file.write_text(after, encoding="utf-8")
    try:
        said, how = tests(copy, mutant.tests, limit_s)
    finally:
        file.write_text(before, encoding="utf-8")
    changed = [line for line in zip(before.splitlines(), after.splitlines(), strict=False) if line[0] != line[1]]
    return {**mutant._asdict(), "changed": changed[:1], "noticed": how != "passed", "how": how, "by": said,
            "seconds": time.monotonic() - started}


def tests(copy: Path, files: list[str], limit_s: float) -> tuple[str, str]:
    """The test that failed, and: passed, failed or did not end."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", *(f"tests/{file}" for file in files)]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(command, cwd=copy, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               encoding="utf-8", start_new_session=True)
    try:
        said = process.communicate(timeout=limit_s)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.communicate()
        return "", "did not end"
    failed = next((line for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))), said[-300:])
    return ("", "passed") if process.returncode == 0 else (failed[:300], "failed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="in files whose names begin so: mutation/policy/")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--unchecked", action="store_true", help="the tests pass without a change: don't run them first")
    parser.add_argument("--limit-s", type=float, default=600.0)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    drawn = draw(asked.n, asked.seed, asked.only)
    done = [json.loads(line) for line in asked.out.read_text(encoding="utf-8").splitlines()] if asked.out.exists() else []
    known = {(row["file"], row["operator"], row["occurrence"]) for row in done}
    copies: SimpleQueue[Path] = SimpleQueue()
    for number in range(asked.workers):
        copies.put(copy_of_checkout(asked.out.resolve().parent / f"mutants-{number}"))
    for files in sorted({tuple(mutant.tests) for mutant in drawn} if not asked.unchecked else []):
        copy = copies.get()
        said, how = tests(copy, list(files), asked.limit_s)
        copies.put(copy)
        assert how == "passed", f"without a change: {files} {how}: {said}"
    lock = threading.Lock()

    def one(mutant: Mutant) -> None:
        if mutant[:3] in known:
            return
        copy = copies.get()
        try:
            row = run(mutant, copy, asked.limit_s)
        finally:
            copies.put(copy)
        with lock, asked.out.open("a", encoding="utf-8") as out:
            out.write(json.dumps(row) + "\n")
        place = f"{mutant.file}:{mutant.line} {mutant.operator}"
        print("noticed " if row["noticed"] else "SURVIVED", place, f"({row['seconds']:.0f} s)", flush=True)

    with ThreadPoolExecutor(asked.workers) as pool:
        list(pool.map(one, drawn))
    rows = [json.loads(line) for line in asked.out.read_text(encoding="utf-8").splitlines()]
    print(f"{sum(row['noticed'] for row in rows)} of {len(rows)} noticed")


if __name__ == "__main__":
    main()
