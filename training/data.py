"""From texts to packed rows of tokens.

A row holds whole documents, as many as fit into a block (best-fit decreasing). Each document's positions begin at 0, which separates
documents in attention (the collator makes no attention mask, and the models run without a cache). A document's first token is never
predicted, which separates them in the loss. Which examples are drawn, and in which order, depends only on the recipe and the texts:
training sees exactly `updates * rows` rows, in order.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import pyarrow as pa
from datasets import Dataset, Features, List, Value
from datasets.exceptions import DatasetGenerationError

from lean_alchemy.pipelines.data.splits import SPLITS, Split
from lean_alchemy.pipelines.runtime.manifest import UsageError
from lean_alchemy.training.prompt import completion_ids, prompt_ids
from lean_alchemy.training.recipe import Phase, Weights
from lean_alchemy.training.sources import SOURCES, Source, TrainingText

IGNORED = -100
"""The label of a token that does not count in the loss."""

WINDOW = 2_000
"""Examples that are packed together. A larger window wastes fewer tokens. Rows are shuffled afterwards."""

ROWS_AT_ONCE = 2_000
"""Rows in memory at once during a pass over all rows."""

_TEXT = Features({"source": Value("string"), "part": Value("string"), "prompt": Value("string"), "completion": Value("string")})
_TOKENS = Features({"source": Value("string"), "part": Value("string"), "input_ids": List(Value("int32")), "labels": List(Value("int32"))})


class SourceReport(msgspec.Struct, frozen=True):
    """examples: available for training. drawn: examples drawn, with repetitions. tokens: in those drawn. predicted: tokens that count in
    the loss. passes: how often each example is seen, on average."""

    examples: int
    drawn: int
    tokens: int
    predicted: int
    passes: float


class TokenReport(msgspec.Struct, frozen=True):
    """rows: number of packed rows. block: tokens in a row. wasted: share of tokens that are padding. cut: number of prompts whose
    beginning was cut off. dropped: number of examples whose completion alone does not fit. validation: number of examples by source.
    kept_out: number of texts by reason."""

    rows: int
    block: int
    wasted: float
    cut: int
    dropped: int
    sources: dict[Source, SourceReport]
    validation: dict[Source, int]
    kept_out: dict[str, int]


class Prepared(msgspec.Struct, frozen=True):
    """train, validation: rows with `input_ids`, `labels` and `seq_lengths`, the lengths of the documents in the row. unigram_loss: by
    source, in nats per token, of a model that only knows the frequency of each token in the training rows."""

    train: Dataset
    validation: dict[Source, Dataset]
    report: TokenReport
    unigram_loss: dict[Source, float]


def cached_texts(texts: Iterator[TrainingText], cache: Path, fingerprint: str) -> Dataset:
    """The texts as a dataset on disk. cache: its folder. If the dataset of this fingerprint is there already, `texts` is not read. An error
    that `texts` raises is raised as it is."""
    try:
        return Dataset.from_generator(
            _rows, features=_TEXT, cache_dir=str(cache), gen_kwargs={"texts": _Unpickled(texts)}, fingerprint=fingerprint)
    except DatasetGenerationError as error:
        raise error.__cause__ or error from None


class _Unpickled:
    """Holds an iterator. `datasets` pickles its arguments to name the result, and iterators can't be pickled; the fingerprint names it."""

    def __init__(self, texts: Iterator[TrainingText]):
        self.texts = texts

    def __reduce__(self):
        return (_Unpickled, ((),))


def _rows(texts: _Unpickled) -> Iterator[dict]:
    for text in texts.texts:
        yield msgspec.structs.asdict(text)


def prepare(texts: Dataset, tokenizer: Any, phase: Phase, *, evaluation_examples: int, seed: int,
            kept_out: Mapping[str, int]) -> Prepared:
    """The packed rows of a phase. kept_out: number of texts by reason, for the report. Raises UsageError if no text is left to train on."""
    encoded = _tokenised(texts, tokenizer, phase.block)
    places, lengths = _places(encoded), _lengths(encoded)
    train: dict[Source, np.ndarray] = {
        source: places["train", source] for source in SOURCES if len(places["train", source]) and getattr(phase.weights, source)}
    if not train:
        raise UsageError("there is nothing to train on: name a corpus in data.corpora, or give the benchmark's theorems a weight above 0 "
                         "(weights.original)")
    wanted = phase.updates * phase.rows
    weights: dict[Source, float] = {source: getattr(phase.weights, source) for source in train}
    drawn = draw_examples(train, weights, lengths, (wanted + 1) * phase.block, seed)
    packed = _packed(encoded.select(drawn), phase.block).shuffle(seed=seed).select(range(wanted))
    validation: dict[Source, Dataset] = {
        source: _packed(encoded.select(_sample(places["validation", source], evaluation_examples, seed)), phase.block)
        for source in train if len(places["validation", source])}
    predicted = _predicted(encoded)
    times_drawn = np.zeros(len(encoded), np.int64)
    np.add.at(times_drawn, drawn, 1)
    report = TokenReport(
        rows=wanted, block=phase.block, wasted=1 - int(_lengths(packed).sum()) / (wanted * phase.block),
        cut=int(sum(lengths == phase.block)), dropped=len(texts) - len(encoded),
        sources={source: SourceReport(
            examples=len(indices), drawn=int(times_drawn[indices].sum()), tokens=int((times_drawn[indices] * lengths[indices]).sum()),
            predicted=int((times_drawn[indices] * predicted[indices]).sum()), passes=round(float(times_drawn[indices].mean()), 3))
            for source, indices in train.items()},
        validation={source: min(len(places["validation", source]), evaluation_examples) for source in validation}, kept_out=dict(kept_out))
    return Prepared(packed, validation, report, _unigram(packed, validation, len(tokenizer)))


def packed_rows(texts: Sequence[TrainingText], tokenizer: Any, block: int) -> Dataset:
    """All texts as packed rows, for evaluation."""
    rows = Dataset.from_list([msgspec.structs.asdict(text) for text in texts], features=_TEXT)
    return _packed(_tokenised(rows, tokenizer, block), block)


def _tokenised(texts: Dataset, tokenizer: Any, block: int) -> Dataset:
    return texts.map(_encoded, batched=True, remove_columns=texts.column_names, features=_TOKENS, load_from_cache_file=False,
                     fn_kwargs={"tokenizer": tokenizer, "block": block})


def _encoded(batch: dict[str, list[str]], tokenizer: Any, block: int) -> dict[str, list]:
    """An example whose completion alone fills the block is dropped."""
    columns: dict[str, list] = {name: [] for name in _TOKENS}
    completions = completion_ids(tokenizer, batch["completion"])
    prompts = prompt_ids(tokenizer, batch["prompt"], [block - len(after) for after in completions])
    for source, part, before, after, text in zip(batch["source"], batch["part"], prompts, completions, batch["prompt"], strict=True):
        if len(after) >= block:
            continue
        labels = [*([IGNORED] * len(before) if text else before), *after]
        for name, value in zip(_TOKENS, (source, part, [*before, *after], labels), strict=True):
            columns[name].append(value)
    return columns


def _places(encoded: Dataset) -> dict[tuple[Split, Source], np.ndarray]:
    part, source = np.asarray(encoded["part"]), np.asarray(encoded["source"])
    return {(p, s): np.flatnonzero((part == p) & (source == s)) for p in SPLITS for s in SOURCES}


def _lengths(rows: Dataset) -> np.ndarray:
    """The number of tokens of each row."""
    return np.concatenate([np.empty(0, np.int64), *(ids.value_lengths().to_numpy() for ids, in _columns(rows, "input_ids"))])


def _predicted(encoded: Dataset) -> np.ndarray:
    """The number of tokens of each example that count in the loss; the first never does."""
    found = []
    for labels, in _columns(encoded, "labels"):
        counts, offsets = (labels.values.to_numpy() != IGNORED).astype(np.int64), labels.offsets.to_numpy()
        counts[offsets[:-1]] = 0
        found.append(np.add.reduceat(counts, offsets[:-1]))
    return np.concatenate(found)


def _columns(rows: Dataset, *names: str) -> Iterator[tuple]:
    """These columns as Arrow list arrays, BATCH rows at a time. Their offsets begin at 0."""
    batches = cast("Iterator[pa.Table]", rows.select_columns(list(names)).with_format("arrow").iter(ROWS_AT_ONCE))
    for batch in batches:
        yield tuple(pa.concat_arrays(batch.column(name).chunks) for name in names)


def draw_examples(places: Mapping[Source, np.ndarray], weights: Mapping[Source, float], lengths: np.ndarray, tokens: int,
                  seed: int) -> np.ndarray:
    """Indices of examples with at least `tokens` tokens in all. The source of each is drawn by weight; within a source all examples come
    before any is repeated. places: indices of the examples of each source. lengths: tokens of each example."""
    rng = np.random.default_rng(seed)
    names = sorted(places)
    shares = np.asarray([weights[name] for name in names], float) / sum(weights[name] for name in names)
    streams = {name: _endless(places[name], np.random.default_rng([seed, number])) for number, name in enumerate(names)}
    mean = float(np.mean(np.concatenate([lengths[indices] for indices in places.values()])))
    chosen: list[int] = []
    total = 0
    while total < tokens:
        for number in rng.choice(len(names), size=max(1, math.ceil((tokens - total) / mean)), p=shares):
            chosen.append(next(streams[names[number]]))
            total += int(lengths[chosen[-1]])
            if total >= tokens:
                break
    return np.asarray(chosen)


def _endless(indices: np.ndarray, rng: np.random.Generator) -> Iterator[int]:
    """The indices shuffled, pass after pass."""
    while True:
        yield from rng.permutation(indices).tolist()


def _sample(indices: np.ndarray, count: int, seed: int) -> np.ndarray:
    return np.sort(np.random.default_rng(seed).permutation(indices)[:count])


def _packed(encoded: Dataset, block: int) -> Dataset:
    from trl import pack_dataset  # pyright: ignore[reportPrivateImportUsage] (trl loads what it exports lazily)

    return pack_dataset(encoded.select_columns(["input_ids", "labels"]), block, "bfd",
                        {"batch_size": WINDOW, "load_from_cache_file": False, "desc": None})


def collator(tokenizer: Any) -> Callable[[Sequence[Mapping[str, Any]]], dict[str, Any]]:
    """Makes a batch of packed rows: `input_ids`, `labels` and `position_ids` of shape (rows, tokens), padded to the longest.

    trl's own collator makes one long row of all. Without an attention kernel for packed documents, attention costs the square of a row's
    length: sixteen rows side by side cost 16 times one, in one row 256 times."""
    return partial(_side_by_side, pad=tokenizer.pad_token_id)


def _side_by_side(rows: Sequence[Mapping[str, Any]], pad: int) -> dict[str, Any]:
    """Padding tokens have position 0, so each is a document by itself."""
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
    """Cross-entropy of the predicted tokens under their frequencies in training, with add-one smoothing."""
    counts = _counts(train, vocabulary) + 1
    surprise = -np.log(counts / counts.sum())
    held_out: dict[Source, np.ndarray] = {source: _counts(rows, vocabulary) for source, rows in validation.items()}
    return {source: float((surprise * counted).sum() / counted.sum()) for source, counted in held_out.items()}


def _counts(rows: Dataset, vocabulary: int) -> np.ndarray:
    """How often each token is predicted: the first of a document never is, nor are IGNORED ones."""
    found = np.zeros(vocabulary, np.int64)
    for labels, lengths in _columns(rows, "labels", "seq_lengths"):
        values = labels.values.to_numpy().copy()
        values[np.cumsum([0, *lengths.values.to_numpy()[:-1]])] = IGNORED
        found += np.bincount(values[values != IGNORED], minlength=vocabulary)
    return found


def training_texts(texts: Dataset, weights: Weights) -> Iterator[str]:
    """The prompts and completions that a phase with these weights may draw, each once."""
    for batch in cast("Iterator[dict[str, list[str]]]", texts.iter(1_000)):
        for source, part, prompt, completion in zip(*(batch[name] for name in ("source", "part", "prompt", "completion")), strict=True):
            if part == "train" and getattr(weights, source):
                yield prompt
                yield completion


def train_tokenizer(texts: Iterator[str], vocabulary: int, special: Sequence[str], context: int) -> Any:
    """A byte-level BPE tokenizer: it encodes any text, and decodes it unchanged. context: tokens a model can take."""
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
