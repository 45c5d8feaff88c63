"""Prompts as vectors of an encoder that is not trained."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from s3sim.learn.backbone import load_backbone
from s3sim.learn.encoding import batches, encode, padded

__all__ = ["frozen_encoder"]

ROWS = 64  # encoded at a time


def frozen_encoder(
    backbone: str, *, prompts: Sequence[str], limit: int
) -> Callable[[Sequence[str]], NDArray[np.float64]]:
    """What gives texts' vectors, of shape (texts, width): the mean of the last layer over each text's tokens.

    `prompts` make the vocabulary of a random encoder; the others have theirs.
    """
    torch.manual_seed(0)
    network, tokenizer = load_backbone(backbone, outputs=2, prompts=prompts)
    encoder = network.base_model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    pad = tokenizer.pad_token_id or 0

    def embed(texts: Sequence[str]) -> NDArray[np.float64]:
        encoded = encode(tokenizer, texts, limit=limit)
        vectors = np.zeros((len(texts), network.config.hidden_size))
        with torch.inference_mode():
            for rows in batches(encoded.lengths, ROWS):
                some = padded([encoded.tokens[row] for row in rows.tolist()], pad=pad, device=encoder.device)
                states = encoder(input_ids=some.tokens, attention_mask=some.mask).last_hidden_state
                mask = some.mask[:, :, None].to(states.dtype)
                vectors[rows] = ((states * mask).sum(dim=1) / mask.sum(dim=1)).double().cpu().numpy()
        return vectors

    return embed
