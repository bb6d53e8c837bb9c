"""Plants failures in every Python process of a run, Ray's workers included: `ALCHEMY_PLANTED` is a JSON object.

    {"raises": TARGET, "killed": TARGET, "audit": VARIANT_ID, "slice": NUMBER, "compared": TARGET}

`raises`: the worker raises an error at this target. `killed`: its engine is killed from outside each time. `audit`: the whole
command disagrees with the verdict on this variant. `slice`: extraction raises an error at this slice of the library. `compared`:
`bench search` raises one at this target.
"""

import json
import os

if planted := json.loads(os.environ.get("ALCHEMY_PLANTED", "{}")):
    from lean_alchemy.lean_workspace.process import EngineDied
    from lean_alchemy.lean_workspace.protocol import Refusal
    from lean_alchemy.lean_workspace.workspace import PreparedTarget
    from lean_alchemy.mutation.search.candidates import variant_name
    from lean_alchemy.pipelines.bench.search import Comparer
    from lean_alchemy.pipelines.corpus.extract import Extractor
    from lean_alchemy.pipelines.corpus.mutate import Mutator

    variants_of, write = Mutator.variants_of, PreparedTarget.write
    slice_of, compared = Extractor._slice, Comparer._compared

    def failing_variants_of(self, name, tally):
        if name == planted.get("raises"):
            raise ValueError("planted")
        if name == planted.get("killed"):
            raise EngineDied("target", "killed")
        yield from variants_of(self, name, tally)

    def disagreeing_write(self, drafts, audited=()):
        names = {draft.candidate: name for draft, name in drafts}
        for draft, outcome in write(self, drafts, audited):
            if names[draft.candidate] == variant_name(planted.get("audit", "")):
                outcome = Refusal(stage="audit", message="proof: planted")
            yield draft, outcome

    def failing_slice_of(self, item):
        if item == planted.get("slice"):
            raise ValueError("planted")
        yield from slice_of(self, item)

    def failing_compared(self, item):
        if item.target == planted.get("compared"):
            raise ValueError("planted")
        return compared(self, item)

    Mutator.variants_of, PreparedTarget.write = failing_variants_of, disagreeing_write
    Extractor._slice, Comparer._compared = failing_slice_of, failing_compared
