"""A small llama: RMS norm, rotary attention, SwiGLU, tied embeddings. The shape that llama.cpp calls "llama"."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

NORM_EPSILON = 1e-5
ROPE_BASE = 10000.0


@dataclass(frozen=True)
class Shape:
    """Sizes of the network; all but `layers`, `heads` and `context` must be multiples of 32 for q8_0."""

    vocabulary: int = 1536
    width: int = 160
    layers: int = 5
    heads: int = 5
    hidden: int = 448
    context: int = 1024

    @property
    def head_width(self) -> int:
        """Numbers per attention head."""
        return self.width // self.heads


class Block(nn.Module):
    """One layer: attention, then a gated feed-forward part, each added to what comes in."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, hidden = shape.width, shape.hidden
        self.shape = shape
        self.attn_norm, self.ffn_norm = nn.RMSNorm(width, NORM_EPSILON), nn.RMSNorm(width, NORM_EPSILON)
        self.attn_q, self.attn_k = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.attn_v, self.attn_output = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.ffn_gate, self.ffn_up = nn.Linear(width, hidden, bias=False), nn.Linear(width, hidden, bias=False)
        self.ffn_down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor, angles: Tensor, mask: Tensor) -> Tensor:
        """x is [batch, time, width]; mask is True where a token may look."""
        h = self.attn_norm(x)
        q, k = rotate(self._heads(self.attn_q(h)), angles), rotate(self._heads(self.attn_k(h)), angles)
        scores = (q @ k.transpose(2, 3) * self.shape.head_width**-0.5).masked_fill(~mask, -1e4)
        mixed = scores.softmax(-1) @ self._heads(self.attn_v(h))
        attended: Tensor = x + self.attn_output(mixed.transpose(1, 2).flatten(2))
        h = self.ffn_norm(attended)
        fed: Tensor = self.ffn_down(functional.silu(self.ffn_gate(h)) * self.ffn_up(h))
        return attended + fed

    def _heads(self, x: Tensor) -> Tensor:
        batch, time, _ = x.shape
        return x.view(batch, time, self.shape.heads, self.shape.head_width).transpose(1, 2)


def rotate(x: Tensor, angles: Tensor) -> Tensor:
    """Rotary positions on pairs (2i, 2i+1), which is how llama.cpp reads this architecture."""
    even, odd = x[..., 0::2], x[..., 1::2]
    cos, sin = angles.cos()[:, None], angles.sin()[:, None]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(3)


class Llama(nn.Module):
    """The language model; its output is the last hidden state, whose product with the embeddings are the logits."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.output_norm = nn.RMSNorm(shape.width, NORM_EPSILON)
        self._initialize()

    def _initialize(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 1:
                continue
            spread = 0.02 if name.startswith("token_embd") else 0.6 * weight.shape[1] ** -0.5
            if "attn_output" in name or "ffn_down" in name:
                spread /= (2 * self.shape.layers) ** 0.5
            nn.init.normal_(weight, std=spread)

    def forward(self, tokens: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Hidden states [batch, time, width]; tokens, positions are [batch, time], mask is [batch, 1, time, time]."""
        width = self.shape.head_width
        frequencies = ROPE_BASE ** (-torch.arange(0, width, 2).float() / width)
        angles = positions[..., None].float() * frequencies
        x = self.token_embd(tokens)
        for block in self.blocks:
            x = block(x, angles, mask)
        return torch.as_tensor(self.output_norm(x))
