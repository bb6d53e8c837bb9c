"""The data card (README.md) of a published corpus or harvest: the values for the template `templates/card.md`.

All figures are counted from the published files, except the funnel, which comes from the manifest.
"""

import os
import shlex
import statistics
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import version as version_of
from pathlib import Path, PureWindowsPath

import jinja2
import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lean_alchemy.mutation.kinds import Reach
from lean_alchemy.pipelines.corpus.options import Options, TargetOptions
from lean_alchemy.pipelines.data.splits import VALIDATION_PERCENT, Split
from lean_alchemy.pipelines.runtime.manifest import Manifest, package_versions
from lean_alchemy.pipelines.runtime.parquet import load_columns


class CardSplit(msgspec.Struct, frozen=True):
    """A split of a config. bytes: size of its files. text_bytes: size of its rows in memory."""

    split: Split
    rows: int
    files: int
    bytes: int
    text_bytes: int


class Config(msgspec.Struct, frozen=True):
    """A published table."""

    table: str
    schema: pa.Schema
    parts: list[CardSplit]

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    def rows_in(self, split: Split) -> int:
        return sum(part.rows for part in self.parts if part.split == split)

    @property
    def features(self) -> list[tuple[str, str, str]]:
        """For each column its name, `dtype` or `list`, and its value type, as `datasets` calls them."""
        return [(field.name, "list", _TYPES[field.type.value_type]) if pa.types.is_list(field.type)
                else (field.name, "dtype", _TYPES[field.type]) for field in self.schema]


_TYPES = {pa.string(): "string", pa.int64(): "int64", pa.float64(): "float64", pa.bool_(): "bool"}


def card(repo: str, manifest: Manifest, configs: Sequence[Config], folder: Path) -> str:
    """The text of the card. folder: of the repository with the published files."""
    tables = {config.table: config for config in configs}
    of_corpus = "variants" in tables
    library, options = names_of(manifest.library), manifest.options_as(Options if of_corpus else TargetOptions)
    return _TEMPLATE.render(
        repo=repo, manifest=manifest, options=options, configs=configs, tables=tables, library=library,
        pretty_name=msgspec.json.encode(f"Alchemy: {'variants' if of_corpus else 'proofs'} of {' and '.join(library)}").decode(),
        main="variants" if of_corpus else "proofs", size=size_category(sum(config.rows for config in configs)),
        command=command_of(options, "synthesize" if of_corpus else "harvest"), percent=VALIDATION_PERCENT,
        own_files=[name for name in library if name.endswith(".lean")], has_mathlib="Mathlib" in {n.split(".")[0] for n in library},
        version=version_of("lean-alchemy"), commit=commit() or "unknown (it was not a checkout with git)",
        same_engine=manifest.versions.get("engine") == package_versions()["engine"], lean=manifest.toolchain.partition(",")[0],
        held_out=sum(n for reason, n in manifest.rejects.items() if "held out" in reason or "held-out" in reason),
        rejects=sorted(manifest.rejects.items(), key=lambda item: (-item[1], item[0])),
        figures=(_figures_of_variants if of_corpus else _figures_of_proofs)(manifest, tables, folder / "data"),
        example=(_example_of_variants if of_corpus else _example_of_proofs)(folder / "data"))


def size_category(rows: int) -> str:
    """The size category as the hub names it: `10K<n<100K`."""
    edges = ["1K", "10K", "100K", "1M", "10M", "100M"]
    digits = max(0, len(str(rows)) - 3)
    return "n<1K" if not digits else f"{edges[digits - 1]}<n<{edges[digits]}"


# --- how it was made ------------------------------------------------------------------------------------------------------------


def names_of(library: Sequence[str]) -> list[str]:
    """Names of modules, and of files without their folders, which are private."""
    return [PureWindowsPath(name).name if name.endswith(".lean") else name for name in library]


def command_of(options: Options | TargetOptions, made_by: str) -> str:
    """The command line with these options. Options at their default are left out, except library, targets, seed and kinds."""
    words = ["alchemy", made_by, "OUT"]
    for name in names_of(options.library):
        words += ["--library", name]
    if options.workspace:
        words += ["--workspace", Path(options.workspace).name]
    for name in options.target:
        words += ["--target", name]
    if not options.target:
        words += ["--targets", "all" if options.targets is None else str(options.targets)]
    words += ["--seed", str(options.seed)]
    if options.module:
        words += ["--module", options.module]
    for name in options.skip_target:
        words += ["--skip-target", name]
    return shlex.join([*words, *(_of_variants(options) if isinstance(options, Options) else [])])


def _of_variants(options: Options) -> list[str]:
    words = ["--kinds", ",".join(options.kinds)]
    words += [f"--no-{_dashed(name)}" for name in Reach.__struct_fields__ if not getattr(options, name)]
    if options.depth != 1:
        words += ["--depth", str(options.depth)]
    for rule in options.without:
        words += ["--without", rule]
    standard = Options(library=[], targets=None, kinds=[])
    for name in ("target_cap", "foreign_cap", "lemma_cap"):
        if (cap := getattr(options, name)) != getattr(standard, name):
            words += [f"--{_dashed(name)}", str(cap or 0)]
    if options.held_out:
        words += ["--held-out", "FILE"]
    return words + [f"--{_dashed(name)}" for name in ("keep_all", "held_out_premises", "refute") if getattr(options, name)]


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def commit() -> str | None:
    """The commit of the checkout that this code runs from, with `, with changes` if it was modified. None if the package is installed, or
    if there is no git."""
    here = Path(__file__).resolve()
    root = here.parents[2]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def git(*arguments: str) -> str:
        return subprocess.run(["git", "--no-optional-locks", "-C", str(root), *arguments], env=environment, capture_output=True,
                              text=True, encoding="utf-8", check=True, timeout=20).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", str(here.relative_to(root)))  # fails if git finds a project that this package is installed in
        changed = git("status", "--porcelain", "--untracked-files=no", "--", "lean_workspace", "mutation", "pipelines")
        return git("rev-parse", "HEAD") + (", with changes" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return None


# --- figures --------------------------------------------------------------------------------------------------------------------


class CardNumbers(msgspec.Struct, frozen=True):
    """funnel, statistics: rows of tables, (label, value). checks: sentences."""

    funnel: list[tuple[str, int]]
    statistics: list[tuple[str, str]]
    checks: list[str]


def _figures_of_variants(manifest: Manifest, tables: dict[str, Config], data: Path) -> CardNumbers:
    counts = manifest.counts
    per_target: Counter[str] = Counter()
    uses: Counter[str] = Counter()
    areas: Counter[str] = Counter()
    depths: Counter[int] = Counter()
    axioms: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    plain = 0
    for rows in _batches(data / "variants", "target", "kind", "site", "direction", "module", "depth", "print_options", "axioms",
                         "kernel_checked", "elaborated"):
        per_target.update(rows["target"])
        uses.update(f"`{kind}` at {'the conclusion' if site == 'conclusion' else 'a hypothesis'}, {direction}"
                    for kind, site, direction in zip(rows["kind"], rows["site"], rows["direction"], strict=True))
        areas.update(".".join(module.split(".")[:3]) for module in rows["module"])
        depths.update(rows["depth"])
        axioms.update(axiom for used in rows["axioms"] for axiom in used or ["none"])
        plain += sum(not options for options in rows["print_options"])
        verdicts.update({name: sum(rows[name]) for name in ("kernel_checked", "elaborated")})
    total = tables["variants"].rows
    per_target_counts = sorted([*per_target.values(), *[0] * (counts["targets"] - len(per_target))])
    targets = len(per_target_counts)
    figures = [
        ("targets; of these without any variant", f"{targets:,}; {targets - len(per_target):,}"),
        ("variants per target: median, mean, maximum",
         f"{statistics.median(per_target_counts):g}, {total / targets:.1f}, {per_target_counts[-1]:,}"),
        *((f"variants by {use}", _share(n, total)) for use, n in uses.most_common()),
        *((f"variants {depth} mutation{'s' * (depth > 1)} deep", _share(n, total)) for depth, n in sorted(depths.items())),
        *((f"variants of targets in `{area}`", _share(n, total)) for area, n in areas.most_common(6)),
        ("variants printed as Lean prints them, with nothing made explicit", _share(plain, total)),
        *_figures_of_steps(data, total), *_figures_of_grades(data)]
    checks = [
        f"`kernel_checked`: Lean's kernel accepted the proof term: {_share(verdicts['kernel_checked'], total)} of the rows.",
        "`elaborated`: the text, parsed and elaborated afresh, gave a theorem with the statement of that term, with no error and no "
        f"`sorry`: {_share(verdicts['elaborated'], total)} of the rows.",
        _axioms_used(axioms), *_checks_of_keys(data)]
    return CardNumbers([
        ("targets", counts["targets"]), ("candidates tried in Lean", counts["candidates"]),
        ("accepted by the kernel", counts["kernel_checked"]), ("read back from text as the same statement", counts["elaborated"]),
        ("distinct variants", counts["variants"]),
        *([("changed statements", counts["changed"]), ("refuted statements", counts["refuted"])] if "refuted" in counts else [])],
        figures, checks)


def _checks_of_keys(data: Path) -> Iterator[str]:
    keys = _column(data / "variants", "statement_key")
    distinct = pc.call_function("count_distinct", [keys])
    yield f"`statement_key`: {len(keys) - distinct.as_py():,} rows state the same as another row."
    if (data / "theorems").is_dir():
        of_library = pc.SetLookupOptions(_column(data / "theorems", "statement_key"))
        known = pc.call_function("sum", [pc.call_function("is_in", [keys], of_library)])
        yield f"{known.as_py():,} rows state the same as a theorem of the library."


def _figures_of_steps(data: Path, total: int) -> Iterator[tuple[str, str]]:
    """The number of proofs by form. Each proof has exactly one step 0."""
    if not (data / "steps").is_dir():
        return
    forms: Counter[str] = Counter()
    for rows in _batches(data / "steps", "form", "step"):
        forms.update(form for form, step in zip(rows["form"], rows["step"], strict=True) if step == 0)
    for form, n in forms.most_common():
        yield f"proofs in `steps` in the form `{form}`", _share(n, total)


def _figures_of_grades(data: Path) -> Iterator[tuple[str, str]]:
    if not (data / "grades").is_dir():
        return
    closed: Counter[str | None] = Counter()
    for rows in _batches(data / "grades", "closed_by"):
        closed.update(rows["closed_by"])
    for name, n in closed.most_common():
        yield f"variants that {f'`{name}` and nothing cheaper proves' if name else 'no automation proves'} alone", _share(n, closed.total())


def _figures_of_proofs(manifest: Manifest, tables: dict[str, Config], data: Path) -> CardNumbers:
    counts = manifest.counts
    rounds: Counter[int] = Counter()
    lines: Counter[str] = Counter()
    areas: Counter[str] = Counter()
    axioms: Counter[str] = Counter()
    lengths: list[int] = []
    for rows in _batches(data / "proofs", "round", "line", "module", "axioms", "tactics"):
        rounds.update(rows["round"])
        lines.update(rows["line"])
        areas.update(".".join(module.split(".")[:3]) for module in rows["module"])
        axioms.update(axiom for used in rows["axioms"] for axiom in used or ["none"])
        lengths += map(len, rows["tactics"])
    total = tables["proofs"].rows
    figures = [
        ("tactics per proof: median, mean, maximum", f"{statistics.median(lengths):g}, {sum(lengths) / total:.1f}, {max(lengths):,}"),
        *((f"proofs found in round {number}", _share(n, total)) for number, n in sorted(rounds.items())),
        *((f"proofs by `{line}`", _share(n, total)) for line, n in lines.most_common(8)),
        *((f"proofs of theorems in `{area}`", _share(n, total)) for area, n in areas.most_common(6)),
        *_figures_of_steps(data, total)]
    funnel = [("theorems", counts["targets"]), ("proved", counts["proofs"]), ("proofs that name a premise", counts["with_premises"])]
    return CardNumbers(funnel, figures, [
        "Each proof was written out as text and elaborated afresh. Lean's kernel accepted it as a proof of the statement, with no `sorry`.",
        f"All proofs were replayed in fresh engines: {counts['leaks']:,} failed.", _axioms_used(axioms)])


def _axioms_used(axioms: Counter[str]) -> str:
    """A sentence that says how many rows use which axiom."""
    return "`axioms`: " + ", ".join(f"{n:,} rows use {f'`{name}`' if name != 'none' else 'none'}" for name, n in axioms.most_common()) + "."


def _share(n: int, total: int) -> str:
    return f"{n:,} ({n / total:.1%})"


# --- an example -----------------------------------------------------------------------------------------------------------------

LOOKED_AT = 100
"""Rows in the middle of the first file. The one of median length is the example: neither the best nor the worst."""


def _example_of_variants(data: Path) -> str:
    row = _of_middle_length(data / "variants", "theorem")
    target = f"{row['target']} {_statement(data / 'theorems', row['target'])}"
    how = f"{row['kind']} with {row['lemma']} at {row['site']}, {row['direction']}"
    return f"{_comment(f'the target: {target}')}\n\n{_comment(how)}\n{row['theorem']}"


def _example_of_proofs(data: Path) -> str:
    row = _of_middle_length(data / "proofs", "text")
    return f"{_comment(row['theorem'])}\n{row['text']}"


def _comment(text: str) -> str:
    return "\n".join(f"-- {line}" for line in text.splitlines())


def _of_middle_length(folder: Path, column: str) -> dict:
    with pq.ParquetFile(_files(folder)[0]) as file:
        group = file.read_row_group(file.num_row_groups // 2, use_threads=False)
    start = max(0, group.num_rows - LOOKED_AT) // 2
    rows = group.slice(start, LOOKED_AT).to_pylist()
    return sorted(rows, key=lambda row: len(row[column]))[len(rows) // 2]


def _statement(theorems: Path, name: str) -> str:
    return next((statement or "" for rows in _batches(theorems, "name", "statement")
                 for other, statement in zip(rows["name"], rows["statement"], strict=True) if other == name), "")


# --- the files ------------------------------------------------------------------------------------------------------------------


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet"))


def _batches(folder: Path, *columns: str) -> Iterator[dict[str, list]]:
    """Batches of rows. Arrow's readers of whole tables read far ahead and need a gigabyte of memory."""
    for file in _files(folder):
        with pq.ParquetFile(file) as opened:
            for batch in opened.iter_batches(10_000, columns=list(columns), use_threads=False):
                yield batch.to_pydict()


def _column(folder: Path, name: str) -> pa.ChunkedArray:
    return pa.chunked_array([chunk for file in _files(folder) for chunk in load_columns(file, [name]).column(0).chunks], pa.string())


_TEMPLATE = jinja2.Template((Path(__file__).parent / "templates" / "card.md").read_text(encoding="utf-8"), trim_blocks=True,
                            lstrip_blocks=True, keep_trailing_newline=True)
