"""`python -m training.train`: learn the vocabulary and the weights, and write the GGUF. One thread, about ten minutes.

OMP_NUM_THREADS=1 nice -n 10 python -m training.train --minutes 11 --out /tmp/demo
"""

import argparse
import itertools
import json
import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import swa_utils

from training.conversations import Conversations, Tokens
from training.gguf_export import export, load
from training.network import Llama, Shape
from training.questions import kept_out
from training.tokenizer import Piece, Tokenizer, learn

ROWS, TIME = 4, 256
WARM_UP_STEPS = 60
FINAL_RATE = 0.02
AVERAGE_DECAY = 0.995
VOCABULARY_SAMPLE = 25_000


@dataclass(frozen=True)
class Batch:
    """Packed conversations: inputs, targets (-100 where nothing is learned), positions, and who may look at whom."""

    tokens: Tensor
    targets: Tensor
    positions: Tensor
    mask: Tensor


def vocabulary(conversations: Conversations, size: int) -> list[Piece]:
    """Pieces learned from a sample of what training will show."""
    rng = conversations.rng
    pairs = [conversations.corpus.pair(rng) for _ in range(VOCABULARY_SAMPLE)]
    questions = [conversations.dresser.dress(pair.question, rng, exact=pair.exact) for pair in pairs]
    return learn([*questions, *(pair.answer for pair in pairs)], size)


def batches(stream: Iterator[Tokens]) -> Iterator[Batch]:
    """Batches of ROWS x TIME tokens without end; a conversation that does not fit in a row is cut."""
    while True:
        shape = (ROWS, TIME + 1)
        tokens, learned = np.zeros(shape, np.int64), np.zeros(shape, bool)
        owner, positions = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for row in range(ROWS):
            at = 0
            for number in itertools.count():
                conversation = next(stream)
                end = min(at + len(conversation.ids), TIME + 1)
                span = slice(at, end)
                tokens[row, span], learned[row, span] = conversation.ids[: end - at], conversation.learned[: end - at]
                owner[row, span], positions[row, span] = number, np.arange(end - at)
                at = end
                if at > TIME:
                    break
        yield _batch(tokens, learned, owner, positions)


def _batch(tokens: np.ndarray, learned: np.ndarray, owner: np.ndarray, positions: np.ndarray) -> Batch:
    targets = np.where(learned[:, 1:] & (owner[:, 1:] == owner[:, :-1]), tokens[:, 1:], -100)
    same = owner[:, None, :-1, None] == owner[:, None, None, :-1]
    mask = torch.from_numpy(same) & torch.ones(TIME, TIME, dtype=torch.bool).tril()
    return Batch(torch.from_numpy(tokens[:, :-1]), torch.from_numpy(targets), torch.from_numpy(positions[:, :-1]), mask)


def optimizer(model: Llama, rate: float) -> torch.optim.AdamW:
    """AdamW with weight decay on the matrices only."""
    matrices = [weight for weight in model.parameters() if weight.dim() > 1]
    vectors = [weight for weight in model.parameters() if weight.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), fused=True)


def train(model: Llama, stream: Iterator[Batch], seconds: float, peak: float) -> dict[str, float]:
    """Train for so many seconds on a cosine schedule; the model ends with the running average of its weights."""
    adam = optimizer(model, peak)
    average = swa_utils.AveragedModel(model, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(AVERAGE_DECAY))  # type: ignore[no-untyped-call]
    begun = time.perf_counter()
    smooth, step, told = 0.0, 0, 0.0
    while (elapsed := time.perf_counter() - begun) < seconds:
        for group in adam.param_groups:
            group["lr"] = peak * schedule(step, elapsed / seconds)
        loss = learn_batch(model, adam, next(stream))
        step += 1
        smooth = loss if step == 1 else 0.98 * smooth + 0.02 * loss
        if elapsed / seconds > 0.3:
            average.update_parameters(model)
        if elapsed - told > 20:
            told = elapsed
            print(
                f"{elapsed:4.0f} s  step {step}  loss {smooth:.4f}  {step * ROWS * TIME / elapsed:.0f} tokens/s",
                flush=True,
            )
    model.load_state_dict(average.module.state_dict())
    return {"steps": step, "tokens": step * ROWS * TIME, "seconds": round(elapsed), "loss": round(smooth, 4)}


def schedule(step: int, progress: float) -> float:
    """The share of the peak learning rate: a short warm-up, then half a cosine."""
    cosine = 0.5 * (1 + math.cos(math.pi * progress))
    return min(1.0, (step + 1) / WARM_UP_STEPS) * (FINAL_RATE + (1 - FINAL_RATE) * cosine)


def learn_batch(model: Llama, adam: torch.optim.AdamW, batch: Batch) -> float:
    """One step; the loss is in nats per learned token."""
    hidden = model(batch.tokens, batch.positions, batch.mask)
    chosen = batch.targets >= 0
    logits = hidden[chosen] @ model.token_embd.weight.T
    loss = functional.cross_entropy(logits, batch.targets[chosen])
    adam.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    adam.step()
    return loss.item()


def main() -> None:
    """Train and write OUT-q8_0.gguf and OUT.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=11.0)
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--continue-from", type=Path, metavar="GGUF", help="go on with the weights of an earlier run")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)  # noqa: S311 - not for secrets
    shape = Shape()
    conversations = Conversations(Tokenizer([]), rng, kept_out())
    model = Llama(shape)
    begun = args.continue_from
    pieces = load(model, begun) if begun else vocabulary(conversations, shape.vocabulary)
    conversations.tokenizer = Tokenizer(pieces)
    figures = train(model, batches(iter(conversations)), args.minutes * 60, args.rate)
    figures["parameters"] = sum(weight.numel() for weight in model.parameters())
    export(model, pieces, args.out.with_name(args.out.name + "-q8_0.gguf"))
    args.out.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n")
    print(figures)


if __name__ == "__main__":
    main()
