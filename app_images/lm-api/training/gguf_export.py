"""The trained model as one GGUF file: q8_0 weights, vocabulary, chat template.

The format is written by llama.cpp's own `gguf` package; https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType, LlamaFileType

from training.network import NORM_EPSILON, ROPE_BASE, Llama, Shape
from training.tokenizer import Piece, PieceType

NAME = "chatops demo"
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'system' -%}<|system|>{{ message['content'] }}<|end|>"
    "{%- elif message['role'] == 'user' -%}<|user|>{{ message['content'] }}<|end|>"
    "{%- else -%}<|assistant|>{{ message['content'] }}<|end|>{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}"
)


def export(model: Llama, pieces: list[Piece], path: Path) -> None:
    """Write the file; matrices become q8_0, norms stay 32-bit floats, the output shares the embeddings."""
    writer = gguf.GGUFWriter(str(path), "llama")
    _add_shape(writer, model.shape)
    _add_vocabulary(writer, pieces)
    for name, weight in tensors(model):
        if weight.ndim == 1:
            writer.add_tensor(name, weight)
        else:
            quantized = gguf.quants.quantize(weight, GGMLQuantizationType.Q8_0)
            writer.add_tensor(name, quantized, raw_dtype=GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def load(model: Llama, path: Path) -> list[Piece]:
    """Put the weights of an exported file (q8_0, so rounded to 8 bits) into the model; the file's vocabulary."""
    reader = gguf.GGUFReader(path)
    weights = {tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type) for tensor in reader.tensors}
    named = {name.replace("blk.", "blocks."): torch.from_numpy(weight.copy()) for name, weight in weights.items()}
    model.load_state_dict(named)
    texts, scores, kinds = (
        reader.fields[f"tokenizer.ggml.{key}"].contents() for key in ("tokens", "scores", "token_type")
    )
    return [Piece(*piece) for piece in zip(texts, scores, map(PieceType, kinds), strict=True)]


def tensors(model: Llama) -> Iterator[tuple[str, np.ndarray]]:
    """Weights under llama.cpp's names: the module's own names, `blk.` for a block."""
    for name, weight in model.named_parameters():
        yield name.replace("blocks.", "blk."), weight.detach().float().numpy()


def _add_shape(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name(NAME)
    writer.add_file_type(LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_layer_norm_rms_eps(NORM_EPSILON)
    writer.add_vocab_size(shape.vocabulary)


def _add_vocabulary(writer: gguf.GGUFWriter, pieces: list[Piece]) -> None:
    ids = {piece.text: index for index, piece in enumerate(pieces)}
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([piece.text.encode() for piece in pieces])
    writer.add_token_scores([piece.score for piece in pieces])
    writer.add_token_types([piece.kind for piece in pieces])
    writer.add_bos_token_id(ids["<s>"])
    writer.add_eos_token_id(ids["<|end|>"])
    writer.add_eot_token_id(ids["<|end|>"])
    writer.add_unk_token_id(ids["<unk>"])
    writer.add_pad_token_id(ids["</s>"])
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(CHAT_TEMPLATE)
