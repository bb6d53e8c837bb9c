"""From texts to packed rows of tokens.

A row holds whole documents, as many as fit into a block (best fit, decreasing); each document's positions begin at 0, which keeps it to
itself in attention (the collator makes no attention mask, and the models are asked without a cache), and its first token is never
predicted, which keeps it to itself in the loss. Which examples are taken, and in which order, depends on the recipe and the texts alone:
the training sees exactly `updates * rows` rows, from the first to the last.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from datasets import Dataset, Features, List, Value

from lean_alchemy.pipelines.runtime.manifest import UsageError
from lean_alchemy.training.prompt import completion_ids, prompt_ids
from lean_alchemy.training.recipe import Phase, Weights
from lean_alchemy.training.sources import PARTS, SOURCES, Part, Source, Text

IGNORED = -100
"""The label of a token that is not to be predicted."""

WINDOW = 2_000
"""Examples that are packed together. More waste less, and have the same order in the end: rows are shuffled."""

BATCH = 2_000
"""Rows in memory at once, where all are looked at."""

_TEXT = Features({"source": Value("string"), "part": Value("string"), "prompt": Value("string"), "completion": Value("string")})
_TOKENS = Features({"source": Value("string"), "part": Value("string"), "input_ids": List(Value("int32")), "labels": List(Value("int32"))})


class SourceReport(msgspec.Struct, frozen=True):
    """examples: that there are to train on. drawn: taken, with repetitions. tokens: of these; predicted: that count in the loss. passes:
    how often each is seen on average."""

    examples: int
    drawn: int
    tokens: int
    predicted: int
    passes: float


class TokenReport(msgspec.Struct, frozen=True):
    """rows: packed. wasted: share of their tokens that stay empty. cut: prompts that lost their beginning. dropped: examples whose
    completion alone does not fit. kept_out: by reason. validation: examples by source."""

    rows: int
    block: int
    wasted: float
    cut: int
    dropped: int
    sources: dict[Source, SourceReport]
    validation: dict[Source, int]
    kept_out: dict[str, int]


class Prepared(msgspec.Struct, frozen=True):
    """train, validation: rows with `input_ids`, `labels` and `seq_lengths`, the lengths of the documents in it. unigram_loss: by source,
    in nats a token, of a model that knows how frequent each token is in training and nothing else."""

    train: Dataset
    validation: dict[Source, Dataset]
    report: TokenReport
    unigram_loss: dict[Source, float]


def read(texts: Iterator[Text], cache: Path, fingerprint: str) -> Dataset:
    """The texts as a dataset on disk. cache: a folder; the same fingerprint finds the same there."""
    return Dataset.from_generator(
        _rows, features=_TEXT, cache_dir=str(cache), gen_kwargs={"texts": _Once(texts)}, fingerprint=fingerprint)


class _Once:
    """An iterator, which `datasets` would want to pickle to name what comes of it; the fingerprint names it."""

    def __init__(self, texts: Iterator[Text]):
        self.texts = texts

    def __reduce__(self):
        return (_Once, ((),))


def _rows(texts: _Once) -> Iterator[dict]:
    for text in texts.texts:
        yield msgspec.structs.asdict(text)


def prepare(texts: Dataset, tokenizer: Any, phase: Phase, *, evaluation_examples: int, seed: int,
            kept_out: Mapping[str, int]) -> Prepared:
    """Raises UsageError where there is nothing to train on."""
    encoded = _tokenised(texts, tokenizer, phase.block)
    places, lengths = _places(encoded), _lengths(encoded)
    train = {source: places["train", source] for source in SOURCES if len(places["train", source]) and getattr(phase.weights, source)}
    if not train:
        raise UsageError("there is nothing to train on: data.corpora names no corpus, and the weights leave nothing of the benchmark")
    wanted = phase.updates * phase.rows
    drawn = draw(train, {source: getattr(phase.weights, source) for source in train}, lengths, (wanted + 1) * phase.block, seed)
    packed = _packed(encoded.select(drawn), phase.block).shuffle(seed=seed).select(range(wanted))
    validation = {source: _packed(encoded.select(_some(places["validation", source], evaluation_examples, seed)), phase.block)
                  for source in train if len(places["validation", source])}
    predicted = _predicted(encoded)
    taken = np.zeros(len(encoded), np.int64)
    np.add.at(taken, drawn, 1)
    report = TokenReport(
        rows=wanted, block=phase.block, wasted=1 - int(_lengths(packed).sum()) / (wanted * phase.block),
        cut=int(sum(lengths == phase.block)), dropped=len(texts) - len(encoded),
        sources={source: SourceReport(
            examples=len(own), drawn=int(taken[own].sum()), tokens=int((taken[own] * lengths[own]).sum()),
            predicted=int((taken[own] * predicted[own]).sum()), passes=round(float(taken[own].mean()), 3))
            for source, own in train.items()},
        validation={source: min(len(places["validation", source]), evaluation_examples) for source in validation}, kept_out=dict(kept_out))
    return Prepared(packed, validation, report, _unigram(packed, validation, len(tokenizer)))


def packed_rows(texts: Sequence[Text], tokenizer: Any, block: int) -> Dataset:
    """All of the texts as rows, to evaluate on."""
    rows = Dataset.from_list([msgspec.structs.asdict(text) for text in texts], features=_TEXT)
    return _packed(_tokenised(rows, tokenizer, block), block)


def _tokenised(texts: Dataset, tokenizer: Any, block: int) -> Dataset:
    return texts.map(_encoded, batched=True, remove_columns=texts.column_names, features=_TOKENS, load_from_cache_file=False,
                     fn_kwargs={"tokenizer": tokenizer, "block": block})


def _encoded(batch: dict[str, list[str]], tokenizer: Any, block: int) -> dict[str, list]:
    """An example whose completion fills the block on its own is dropped."""
    found: dict[str, list] = {name: [] for name in _TOKENS}
    completions = completion_ids(tokenizer, batch["completion"])
    prompts = prompt_ids(tokenizer, batch["prompt"], [block - len(after) for after in completions])
    for source, part, before, after, text in zip(batch["source"], batch["part"], prompts, completions, batch["prompt"], strict=True):
        if len(after) >= block:
            continue
        labels = [*([IGNORED] * len(before) if text else before), *after]
        for name, value in zip(_TOKENS, (source, part, [*before, *after], labels), strict=True):
            found[name].append(value)
    return found


def _places(encoded: Dataset) -> dict[tuple[Part, Source], np.ndarray]:
    part, source = np.asarray(encoded["part"]), np.asarray(encoded["source"])
    return {(p, s): np.flatnonzero((part == p) & (source == s)) for p in PARTS for s in SOURCES}


def _lengths(rows: Dataset) -> np.ndarray:
    """Tokens of each."""
    return np.concatenate([np.empty(0, np.int64), *(ids.value_lengths().to_numpy() for ids, in _columns(rows, "input_ids"))])


def _predicted(encoded: Dataset) -> np.ndarray:
    """How many tokens of each example count in the loss: the first one never does."""
    found = []
    for labels, in _columns(encoded, "labels"):
        counts, offsets = (labels.values.to_numpy() != IGNORED).astype(np.int64), labels.offsets.to_numpy()
        counts[offsets[:-1]] = 0
        found.append(np.add.reduceat(counts, offsets[:-1]))
    return np.concatenate(found)


def _columns(rows: Dataset, *names: str) -> Iterator[tuple]:
    """Some thousand rows at a time, columns as Arrow's lists, which begin at 0."""
    for batch in rows.select_columns(list(names)).with_format("arrow").iter(BATCH):
        yield tuple(pa.concat_arrays(batch[name].chunks) for name in names)


def draw(places: Mapping[Source, np.ndarray], weights: Mapping[Source, float], lengths: np.ndarray, tokens: int, seed: int) -> np.ndarray:
    """Numbers of examples, as many as have `tokens` tokens together. Each is of a source drawn by weight; within a source every example
    comes once before one comes again."""
    rng = np.random.default_rng(seed)
    names = sorted(places)
    shares = np.asarray([weights[name] for name in names], float) / sum(weights[name] for name in names)
    streams = {name: _stream(places[name], np.random.default_rng([seed, number])) for number, name in enumerate(names)}
    mean = float(np.mean(np.concatenate([lengths[own] for own in places.values()])))
    chosen: list[int] = []
    have = 0
    while have < tokens:
        for number in rng.choice(len(names), size=max(1, math.ceil((tokens - have) / mean)), p=shares):
            chosen.append(next(streams[names[number]]))
            have += int(lengths[chosen[-1]])
            if have >= tokens:
                break
    return np.asarray(chosen)


def _stream(own: np.ndarray, rng: np.random.Generator) -> Iterator[int]:
    while True:
        yield from rng.permutation(own).tolist()


def _some(own: np.ndarray, count: int, seed: int) -> np.ndarray:
    return np.sort(np.random.default_rng(seed).permutation(own)[:count])


def _packed(encoded: Dataset, block: int) -> Dataset:
    from trl import pack_dataset

    return pack_dataset(encoded.select_columns(["input_ids", "labels"]), block, "bfd",
                        {"batch_size": WINDOW, "load_from_cache_file": False, "desc": None})


def collator(tokenizer: Any) -> Callable[[Sequence[Mapping[str, Any]]], dict[str, Any]]:
    """Makes a batch of packed rows: `input_ids`, `labels` and `position_ids` of shape (rows, tokens), padded to the longest.

    trl's own makes one long row of all. Without a kernel that knows of documents attention costs the square of a row's length: sixteen
    rows side by side cost sixteen times one, in one row 256 times."""
    return partial(_side_by_side, pad=tokenizer.pad_token_id)


def _side_by_side(rows: Sequence[Mapping[str, Any]], pad: int) -> dict[str, Any]:
    """Padding has position 0, so that each token of it is a document by itself."""
    import torch

    shape = len(rows), max(len(row["input_ids"]) for row in rows)
    ids, labels, positions = torch.full(shape, pad), torch.full(shape, IGNORED), torch.zeros(shape, dtype=torch.long)
    for at, row in enumerate(rows):
        end = len(row["input_ids"])
        ids[at, :end], labels[at, :end] = torch.tensor(row["input_ids"]), torch.tensor(row["labels"])
        positions[at, :end] = torch.cat([torch.arange(length) for length in row["seq_lengths"]])
    labels[positions == 0] = IGNORED
    return {"input_ids": ids, "labels": labels, "position_ids": positions}


def _unigram(train: Dataset, validation: Mapping[Source, Dataset], vocabulary: int) -> dict[Source, float]:
    """Cross-entropy of the predicted tokens under their frequencies in training, one added to each."""
    counts = _counts(train, vocabulary) + 1
    surprise = -np.log(counts / counts.sum())
    held_out = {source: _counts(rows, vocabulary) for source, rows in validation.items()}
    return {source: float((surprise * its).sum() / its.sum()) for source, its in held_out.items()}


def _counts(rows: Dataset, vocabulary: int) -> np.ndarray:
    """How often each token is to be predicted: in each document all but the first, where they are not ignored."""
    found = np.zeros(vocabulary, np.int64)
    for labels, lengths in _columns(rows, "labels", "seq_lengths"):
        values = labels.values.to_numpy().copy()
        values[np.cumsum([0, *lengths.values.to_numpy()[:-1]])] = IGNORED
        found += np.bincount(values[values != IGNORED], minlength=vocabulary)
    return found


def training_texts(texts: Dataset, weights: Weights) -> Iterator[str]:
    """All that a phase may take, each once."""
    for batch in texts.iter(1_000):
        for source, part, *both in zip(*(batch[name] for name in ("source", "part", "prompt", "completion")), strict=True):
            if part == "train" and getattr(weights, source):
                yield from both


def train_tokenizer(texts: Iterator[str], vocabulary: int, special: Sequence[str], context: int) -> Any:
    """A byte-level BPE tokenizer: it reads every text, and gives it back as it was."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=["<|end|>", "<|pad|>", *special], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|pad|>", model_max_length=context,
                                   clean_up_tokenization_spaces=False)
