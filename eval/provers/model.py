"""A language model as a prover: tactics by beam search, for a batch of states."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch

from lean_alchemy.eval.prover import Query, ScoredTactic, distinct
from lean_alchemy.pipelines.runtime.stage import chunks
from lean_alchemy.training.prompt import prompt, prompt_ids, tactic_of

TACTIC_TOKENS = 96
"""The maximal length of a tactic. In core one step in a thousand is longer."""

SEQUENCES_AT_ONCE = 128
"""The beams of all states in a batch."""


class Model:
    """A causal language model in a folder, with its tokenizer."""

    expansions = None

    def __init__(self, folder: Path):
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        dtype = torch.bfloat16 if self._device.type == "cuda" else torch.float32
        # transformers does not declare all of its types, and chooses the classes of both by the files in the folder
        tokenizers, models = cast("Any", AutoTokenizer), cast("Any", AutoModelForCausalLM)
        self.tokenizer = tokenizers.from_pretrained(folder)
        self.model = models.from_pretrained(folder, dtype=dtype).to(self._device).eval()
        trained = min(self.tokenizer.model_max_length, self.model.config.max_position_embeddings)
        self._prompt_tokens = max(1, trained - TACTIC_TOKENS)

    def propose(self, queries: Sequence[Query], count: int) -> list[list[ScoredTactic]]:
        """By beam search with `count` beams. The log-probability is that of the whole tactic with its end-of-text token."""
        texts = [query.state.text for query in queries]
        batch = max(1, SEQUENCES_AT_ONCE // count)
        return [tactics for some in chunks(texts, batch) for tactics in self.tactics(some, count)]

    @torch.no_grad()
    def tactics(self, states: Sequence[str], count: int) -> list[list[ScoredTactic]]:
        """Candidates for each state, the best first. count: number of beams; 1: the greedy tactic. Prompts are padded on the left."""
        beams = {"num_beams": count, "num_return_sequences": count, "length_penalty": 0.0, "early_stopping": True} if count > 1 else {}
        output = self.model.generate(
            **self._padded(states), **beams, do_sample=False, max_new_tokens=TACTIC_TOKENS, return_dict_in_generate=True,
            output_scores=True, use_cache=True, pad_token_id=self.tokenizer.pad_token_id, eos_token_id=self.tokenizer.eos_token_id)
        texts = self.tokenizer.batch_decode(output.sequences[:, self._width:])
        scores = output.sequences_scores.tolist() if count > 1 else [0.0] * len(texts)
        end = self.tokenizer.eos_token
        candidates = [ScoredTactic(tactic_of(text.partition(end)[0]), min(0.0, score)) for text, score in zip(texts, scores, strict=True)]
        return [distinct(some) for some in chunks(candidates, count)]

    def close(self) -> None:
        pass

    def _padded(self, states: Sequence[str]) -> dict[str, Any]:
        prompts = prompt_ids(self.tokenizer, [prompt(state) for state in states], [self._prompt_tokens] * len(states))
        self._width = max(map(len, prompts))
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([[pad] * (self._width - len(p)) + p for p in prompts], device=self._device)
        mask = torch.tensor([[0] * (self._width - len(p)) + [1] * len(p) for p in prompts], device=self._device)
        return {"input_ids": ids, "attention_mask": mask}
