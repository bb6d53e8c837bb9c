"""Commands to look at what was made: `demo`, `show`."""

from typing import TYPE_CHECKING, Annotated

import typer

from lean_alchemy.pipelines.commands.arguments import Json, Lemma, Limit, Out, Seed, TargetNames

if TYPE_CHECKING:
    from lean_alchemy.pipelines.browse.selection import VariantFilter
    from lean_alchemy.pipelines.runtime.storage import Location


def demo(json: Json = False) -> None:
    """Shows three variants of Euclid's lemma, found in all of Lean's library Init."""
    from lean_alchemy.lean_workspace.embedded import install
    from lean_alchemy.lean_workspace.library import Library
    from lean_alchemy.pipelines.runtime.open_lean import opening
    from lean_alchemy.pipelines.runtime.progress import progress

    with progress() as report:
        install.setup(lambda step, share: report(step, round(100 * share), 100, ""))
        with opening(Library(("Init",))) as engine:  # Lean starts while the rest is imported
            from lean_alchemy.pipelines.browse.demo import BEST, FAMOUS, three_of
            from lean_alchemy.pipelines.commands.printing import finish, out, print_variant, tell
            from lean_alchemy.pipelines.corpus.mutate import TARGET_CAP
            from lean_alchemy.pipelines.corpus.one_theorem import variants_of_one

            found = variants_of_one(FAMOUS, ["Init"], None, ["rw", "apply"], report, engine, target_cap=BEST)
            chosen = three_of(found.variants, found.statement)
            if not json:
                out.print()
                for variant in chosen:
                    print_variant(variant, found.statement, found.lemmas)
    of = len(found.variants) + found.rejects.get(f"quality: {TARGET_CAP}", 0)
    tell(f"three of {of} variants of {FAMOUS}, found in all of Init. The kernel accepts each, and its text, read again, states the same.\n"
         f"more: alchemy mutate {FAMOUS}")
    finish({"target": FAMOUS, "statement": found.statement, "variants": chosen, "of": of}, json, found.failures, failed=len(chosen) < 3)


def show(
    out: Out,
    target: TargetNames = [],
    lemma: Lemma = None,
    kind: Annotated[str | None, typer.Option(help="Only variants of this kind: `rw`, `apply`.")] = None,
    site: Annotated[str | None, typer.Option(help="Only variants changed here: `conclusion`, or the name of a hypothesis.")] = None,
    text: Annotated[str | None, typer.Option(help="Only variants whose text contains this.")] = None,
    random: Annotated[int | None, typer.Option(min=1, help="So many, drawn at random.", show_default="the best by score")] = None,
    seed: Seed = 0,
    limit: Limit = 20,
    steps: Annotated[bool, typer.Option("--steps", help="Also print the proof step by step (after `alchemy steps OUT`).")] = False,
    provenance: Annotated[bool, typer.Option("--provenance", help="Also print where each variant comes from.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Of an evaluation: only theorems that were not proved.")] = False,
    json: Json = False,
) -> None:
    """Prints variants of a corpus beside their targets, with what changed; or the results of an evaluation."""
    from lean_alchemy.pipelines.browse.selection import VariantFilter

    wanted = VariantFilter(targets=tuple(target), lemma=lemma, kind=kind, site=site, text=text)
    if (out / "settings.json").is_file() or (out / "evaluation.json").is_file():
        if unfit := [f"--{name}" for name, value in (("lemma", lemma), ("kind", kind), ("site", site), ("steps", steps),
                                                     ("provenance", provenance)) if value]:
            raise typer.BadParameter(f"{out} is an evaluation; for a corpus only: {', '.join(unfit)}")
        _show_results(out, wanted, failed, random, seed, limit, json)
        return
    if failed:
        raise typer.BadParameter(f"--failed is for the folder of an evaluation, and {out} is none")
    _show_variants(out, wanted, random, seed, limit, steps, provenance, json)


def _show_variants(place: "Location", wanted: "VariantFilter", random: int | None, seed: int, limit: int, steps: bool, provenance: bool,
                   json: bool) -> None:
    from lean_alchemy.pipelines.browse.display import provenance_text, steps_text
    from lean_alchemy.pipelines.browse.selection import Selection
    from lean_alchemy.pipelines.commands.printing import finish, out, print_variant, tell

    selection = Selection(place, wanted)
    shown = selection.best(limit) if random is None else selection.at_random(random, seed)
    steps_of = selection.steps(shown) if steps else {}
    statements = selection.statements(name for variant in shown for name in (variant.target, variant.lemma))
    for variant in shown if not json else []:
        print_variant(variant, statements.get(variant.target, ""), statements)
        for more in (steps_text(steps_of[variant.variant_id]) if steps else "", provenance_text(variant) if provenance else ""):
            out.print(more, end="", style="dim", highlight=False, markup=False, soft_wrap=True)
        if steps or provenance:
            out.print()
    tell(f"{len(shown):,} of {selection.count:,} variants shown" if selection.count else "no variant of the corpus is like that")
    finish({"variants": selection.count, "shown": shown, **({"steps": steps_of} if steps else {})}, json, failed=not selection.count)


def _show_results(place: "Location", wanted: "VariantFilter", failed: bool, random: int | None, seed: int, limit: int,
                  json: bool) -> None:
    from random import Random

    from lean_alchemy.eval.evaluate import evaluation_at
    from lean_alchemy.eval.result_tables import result_text
    from lean_alchemy.pipelines.commands.printing import finish, out, tell
    from lean_alchemy.pipelines.runtime.manifest import UsageError

    _, results = evaluation_at(place)
    found = [result for result in results if (wanted.text or "") in f"{result.statement}\n{result.proof}"
             and not (failed and result.ending == "proved")]
    if unknown := set(wanted.targets) - {result.name for result in results}:
        raise UsageError(f"{', '.join(sorted(unknown))} is not a theorem of the evaluation in {place}")
    found = [result for result in found if not wanted.targets or result.name in wanted.targets]
    shown = found[:limit] if random is None else Random(seed).sample(found, min(random, len(found)))
    for result in shown if not json else []:
        out.print(result_text(result, in_colour=out.color_system is not None), soft_wrap=True)
    tell(f"{len(shown):,} of {len(found):,} theorems shown, of {len(results):,} in the evaluation")
    finish({"results": len(found), "shown": shown}, json)
