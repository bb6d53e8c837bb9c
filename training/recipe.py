"""Recipes: what to train, on what, and how. A YAML file is read as a `Recipe`: every value is checked, and unknown keys are errors."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from lean_alchemy.lean_workspace.errors import Mistake

SHIPPED_RECIPES = Path(__file__).parent / "recipes"

Count = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(gt=0)]
Weight = Annotated[float, Meta(ge=0)]
ProofForm = Literal["proof", "goal-directed", "inlined"]


class RecipeError(Mistake):
    """The recipe is invalid; the message names the key."""


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of a recipe: unknown keys are errors."""


class Decoder(Strict, frozen=True, kw_only=True):
    """A Llama-like decoder from scratch, with its own byte-level BPE tokenizer, trained on the training texts."""

    vocabulary: Annotated[int, Meta(ge=300)]
    hidden: Count
    layers: Count
    heads: Count
    feed_forward: Count
    context: Count = 2048


class Base(Strict, frozen=True, kw_only=True):
    """The base model: exactly one of `decoder`, `model` and `package`.

    model: a folder in `save_pretrained` form, or a name on the hub. package: an installed Python package that contains the file `gguf`,
    whose weights are dequantized when they are read."""

    decoder: Decoder | None = None
    model: str | None = None
    package: str | None = None
    gguf: str | None = None


class Lora(Strict, frozen=True, kw_only=True):
    """Low-rank adapters (Hu et al., 2021) on all linear layers, merged into the model when it is saved."""

    rank: Count = 16
    alpha: Count = 32
    dropout: Share = 0.0


class Weights(Strict, frozen=True, kw_only=True):
    """Relative shares of the three sources among the examples. A source without examples is ignored."""

    original: Weight = 1.0
    rw: Weight = 1.0
    apply: Weight = 1.0


class Data(Strict, frozen=True, kw_only=True):
    """benchmark: `core`, a folder, or a `.tar.xz`; its train part gives original theorems, its val and test parts are held out. proofs:
    OUT folders of `alchemy harvest` and `alchemy trace`, which give further original theorems. corpora: OUT folders of `alchemy
    synthesize`, with steps made by `alchemy steps`. forms: which proofs of a variant give steps. novel_premises: `strict` leaves out
    variants made with a premise that only held-out proofs use; `loose` keeps them, as the paper does."""

    benchmark: str = "core"
    proofs: list[str] = msgspec.field(default_factory=list)
    corpora: list[str] = msgspec.field(default_factory=list)
    forms: list[ProofForm] = msgspec.field(default_factory=lambda: ["proof", "goal-directed"])
    novel_premises: Literal["strict", "loose"] = "strict"


class Phase(Strict, frozen=True, kw_only=True):
    """One phase of training with AdamW. The learning rate warms up during the share `warmup` of the updates, then decays to a tenth along
    a cosine.

    rows: rows per update; at_once: rows per device step, so that gradients of rows / at_once steps are accumulated. block: tokens per row;
    longer examples are cut. weights: of the sources. evaluate_every, save_every: in updates; None: only at the end."""

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


class Recipe(Strict, frozen=True, kw_only=True):
    """pretrain: on the texts of theorems, loss on every token. finetune: from goal states to tactics, loss on the tactics. Either may be
    absent. precision: `bf16` uses autocast; the weights stay in float32. threads: of torch on the CPU. evaluation_examples: the maximal
    number of validation examples per source."""

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
    """The names of the recipes in the package."""
    return sorted(file.stem for file in SHIPPED_RECIPES.glob("*.yaml"))


def load_recipe(recipe: str, settings: list[str] = []) -> Recipe:
    """recipe: the name of a recipe in the package, or a YAML file. settings: they override the file, such as `finetune.updates=200`; values
    are YAML. Raises RecipeError."""
    file = Path(recipe)
    if not file.suffix:
        file = SHIPPED_RECIPES / f"{recipe}.yaml"
    if not file.is_file():
        raise RecipeError(f"no recipe {recipe}: give a YAML file, or one of {', '.join(shipped())}")
    tree = _yaml(file.read_bytes(), str(file))
    if not isinstance(tree, dict):
        raise RecipeError(f"{file} is not a recipe: it must be a YAML mapping of keys to values")
    for setting in settings:
        _set(tree, setting)
    try:
        parsed = msgspec.convert(tree, Recipe, strict=False)  # YAML reads 1e-3 as text
    except msgspec.ValidationError as error:
        raise RecipeError(f"{file}: {error}") from None
    _check(parsed)
    return parsed


def _yaml(text: bytes, where: str) -> Any:
    try:
        return msgspec.yaml.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{where}: not YAML: {error}") from None


def _set(tree: dict, setting: str) -> None:
    path, equals, value = setting.partition("=")
    *parents, last = path.split(".")
    if not equals or not all((*parents, last)):
        raise RecipeError(f"{setting!r} is not a setting: write key=value, such as finetune.updates=200")
    for key in parents:
        tree = tree.setdefault(key, {})
        if not isinstance(tree, dict):
            raise RecipeError(f"{setting!r}: {key} is a value and has no keys below it")
    tree[last] = _yaml(value.encode(), repr(setting))


def _check(recipe: Recipe) -> None:
    """Checks that types can't express."""
    base = recipe.base
    if sum((base.decoder is not None, base.model is not None, base.package is not None)) != 1:
        raise RecipeError("base: give exactly one of decoder, model, package")
    if base.package is not None and base.gguf is None:
        raise RecipeError("base.gguf: name the GGUF file in the package")
    if base.decoder is not None and base.decoder.hidden % (2 * base.decoder.heads):
        raise RecipeError("base.decoder.hidden: must be a multiple of 2 × base.decoder.heads, so that heads have an even width")
    if recipe.pretrain is None and recipe.finetune is None:
        raise RecipeError("pretrain, finetune: give at least one of them")
    for name, phase in (("pretrain", recipe.pretrain), ("finetune", recipe.finetune)):
        if phase is None:
            continue
        if phase.rows % phase.at_once:
            raise RecipeError(f"{name}.at_once: must divide {name}.rows, and {phase.at_once} does not divide {phase.rows}")
        if base.decoder is not None and phase.block > base.decoder.context:
            raise RecipeError(f"{name}.block: must be at most base.decoder.context, {base.decoder.context}")
        if not any(msgspec.structs.astuple(phase.weights)):
            raise RecipeError(f"{name}.weights: all of them are 0; set at least one above 0")
    if not recipe.data.forms:
        raise RecipeError("data.forms: give at least one of proof, goal-directed, inlined")


def differences(first: Recipe, second: Recipe) -> list[str]:
    """The settings in which two recipes differ: `finetune.updates: 100, 200`."""
    a, b = _flat(msgspec.to_builtins(first)), _flat(msgspec.to_builtins(second))
    return [f"{key}: {a.get(key)}, {b.get(key)}" for key in dict.fromkeys([*a, *b]) if a.get(key) != b.get(key)]


def _flat(tree: dict, prefix: str = "") -> dict[str, Any]:
    flat = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat
