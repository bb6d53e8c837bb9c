"""Recipes: what is trained, on what, and how. A YAML file is a `Recipe`: every value is checked, and a key that is none is an error."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from lean_alchemy.lean_workspace.errors import Mistake

SHIPPED = Path(__file__).parent / "recipes"

Count = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(gt=0)]
Weight = Annotated[float, Meta(ge=0)]
Form = Literal["proof", "goal-directed", "inlined"]


class RecipeError(Mistake):
    """The recipe can't be followed; the message names the key."""


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of a recipe."""


class Decoder(Strict, kw_only=True):
    """A Llama-like decoder from nothing, with a byte-level BPE tokenizer of its own, trained on the training texts."""

    vocabulary: Annotated[int, Meta(ge=300)]
    hidden: Count
    layers: Count
    heads: Count
    feed_forward: Count
    context: Count = 2048


class Base(Strict, kw_only=True):
    """What the training begins with: one of `decoder` and `model`.

    model: a folder in `save_pretrained` form or a name on the hub. package: of Python, in whose folder the file `gguf` lies; that file
    holds the weights in GGUF form, dequantised when it is read."""

    decoder: Decoder | None = None
    model: str | None = None
    package: str | None = None
    gguf: str | None = None


class Lora(Strict, kw_only=True):
    """Low-rank adapters (Hu et al., 2021) on all linear layers; they are merged into the model that is saved."""

    rank: Count = 16
    alpha: Count = 32
    dropout: Share = 0.0


class Weights(Strict, kw_only=True):
    """Shares of the three sources among the examples, up to a factor; a source without rows has none."""

    original: Weight = 1.0
    rw: Weight = 1.0
    apply: Weight = 1.0


class Data(Strict, kw_only=True):
    """benchmark: its training part gives the original theorems, and its val and test parts what is held out; `core`, a folder, or a
    packed one. proofs: OUT folders of `alchemy harvest` and `alchemy trace`, whose theorems are original ones beside the benchmark's.
    corpora: OUT folders of `alchemy synthesize` with `alchemy steps`. forms: which proofs of a variant give steps.
    novel_premises: `strict` leaves out variants made with a premise that only held-out proofs use; `loose` lets them in, as the paper
    does."""

    benchmark: str = "core"
    proofs: list[str] = msgspec.field(default_factory=list)
    corpora: list[str] = msgspec.field(default_factory=list)
    forms: list[Form] = msgspec.field(default_factory=lambda: ["proof", "goal-directed"])
    novel_premises: Literal["strict", "loose"] = "strict"


class Phase(Strict, kw_only=True):
    """Updates of the optimiser (AdamW; the learning rate warms up over a share of the updates and falls to a tenth along a cosine).

    block: tokens in a row of packed examples; a longer one is cut. rows: in an update; at_once: of these, how many the device takes at
    once. weights: of the sources. evaluate_every, save_every: updates; None: only at the end."""

    updates: Count
    rows: Count
    at_once: Count = 1
    weights: Weights = Weights()
    block: Annotated[int, Meta(ge=64)] = 512
    learning_rate: Positive
    warmup: Share = 0.05
    weight_decay: Weight = 0.1
    clip: Positive = 1.0
    lora: Lora | None = None
    evaluate_every: Count | None = None
    save_every: Count | None = None


class Recipe(Strict, kw_only=True):
    """pretrain: on the texts of theorems, every token counts. finetune: from goal states to tactics, the tactics count. Either may be
    absent. precision: `bf16` is autocast, the weights stay in float32. evaluation_examples: at most so many of each source are evaluated
    on."""

    name: str
    base: Base
    data: Data = Data()
    pretrain: Phase | None = None
    finetune: Phase | None = None
    precision: Literal["fp32", "bf16"] = "fp32"
    threads: Count | None = None
    seed: Annotated[int, Meta(ge=0)] = 0
    evaluation_examples: Count = 500


def shipped() -> list[str]:
    return sorted(file.stem for file in SHIPPED.glob("*.yaml"))


def load(recipe: str, settings: list[str] = []) -> Recipe:
    """recipe: the name of one that ships with the package, or a YAML file. settings: `finetune.updates=200`, over what the file says; the
    value is YAML. Raises RecipeError."""
    file = Path(recipe)
    if not file.suffix:
        file = SHIPPED / f"{recipe}.yaml"
    if not file.is_file():
        raise RecipeError(f"there is no recipe {recipe}: name a YAML file, or one of {', '.join(shipped())}")
    tree = _yaml(file.read_bytes(), str(file))
    if not isinstance(tree, dict):
        raise RecipeError(f"{file} is no recipe: it should hold keys and values")
    for setting in settings:
        _set(tree, setting)
    try:
        found = msgspec.convert(tree, Recipe, strict=False)  # YAML reads 1e-3 as text
    except msgspec.ValidationError as error:
        raise RecipeError(f"{file}: {error}") from None
    _check(found)
    return found


def _yaml(text: bytes, where: str) -> Any:
    try:
        return msgspec.yaml.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{where} is not YAML: {error}") from None


def _set(tree: dict, setting: str) -> None:
    path, equals, value = setting.partition("=")
    *parents, last = path.split(".")
    if not equals or not all((*parents, last)):
        raise RecipeError(f"{setting!r} sets nothing: write key=value, such as finetune.updates=200")
    for key in parents:
        tree = tree.setdefault(key, {})
        if not isinstance(tree, dict):
            raise RecipeError(f"{setting!r}: {key} has no keys below it")
    tree[last] = _yaml(value.encode(), repr(setting))


def _check(recipe: Recipe) -> None:
    """What no type says."""
    base = recipe.base
    if sum((base.decoder is not None, base.model is not None, base.package is not None)) != 1:
        raise RecipeError("base: name one of decoder, model, package")
    if base.package is not None and base.gguf is None:
        raise RecipeError("base.gguf: the file in the package")
    if base.decoder is not None and base.decoder.hidden % (2 * base.decoder.heads):
        raise RecipeError("base.decoder.hidden: not divisible into heads of an even width")
    if recipe.pretrain is None and recipe.finetune is None:
        raise RecipeError("pretrain, finetune: at least one of them")
    for name, phase in (("pretrain", recipe.pretrain), ("finetune", recipe.finetune)):
        if phase is None:
            continue
        if phase.rows % phase.at_once:
            raise RecipeError(f"{name}.at_once: {phase.rows} rows can't be taken {phase.at_once} at once")
        if base.decoder is not None and phase.block > base.decoder.context:
            raise RecipeError(f"{name}.block: longer than base.decoder.context")
        if not any(msgspec.structs.astuple(phase.weights)):
            raise RecipeError(f"{name}.weights: all of them are 0")
    if not recipe.data.forms:
        raise RecipeError("data.forms: at least one")


def differences(one: Recipe, other: Recipe) -> list[str]:
    """What two recipes say differently: `finetune.updates: 100, 200`."""
    mine, its = _flat(msgspec.to_builtins(one)), _flat(msgspec.to_builtins(other))
    return [f"{key}: {mine.get(key)}, {its.get(key)}" for key in dict.fromkeys([*mine, *its]) if mine.get(key) != its.get(key)]


def _flat(tree: dict, above: str = "") -> dict[str, Any]:
    found = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            found.update(_flat(value, f"{above}{key}."))
        else:
            found[above + key] = value
    return found
