"""The real learner: a trained encoder, fine-tuned further on lengths that became known."""

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch

from s3sim.core.errors import InputError
from s3sim.learn.encoding import Encoded, batches, encode, padded
from s3sim.learn.foreseen import FloatArray
from s3sim.learn.heads import head_of
from s3sim.learn.model import LengthModel, forward, load_model
from s3sim.predictors.learner import Prompts
from s3sim.predictors.predictor import IntArray

__all__ = ["Encoder"]

PASSES = 1  # over the rows of a retraining
CLIP = 1.0  # largest norm of a step's gradient: BERT's, Devlin et al. 2019


@dataclass(frozen=True, slots=True, eq=False)
class Encoder:
    """A version of a trained predictor; its buckets are the trained one's, and its head a classification."""

    model: LengthModel
    encoded: Encoded  # of all prompts, each by itself
    seed: int

    @classmethod
    def of(cls, prompts: Prompts) -> Self:
        """The trained predictor as it is; raises InputError without texts, and for other buckets or another head."""
        if prompts.texts is None or prompts.model is None:
            raise InputError("predictor: learner 'encoder' needs `texts`, and the folder of a trained `model`")
        return cls.begin(load_model(prompts.model), prompts)

    @classmethod
    def begin(cls, model: LengthModel, prompts: Prompts) -> Self:
        """A trained predictor that meets these prompts."""
        settings, edges = model.about.settings, model.about.edges
        if prompts.buckets.edges.tolist() != list(edges):
            raise InputError(f"predictor.edges: {prompts.model} was trained for {list(edges)}; give these")
        if settings.head != "classification":
            raise InputError(f"{prompts.model}: has head {settings.head!r}; going on needs a classification")
        texts = prompts.texts or ()
        return cls(model, encode(model.tokenizer, texts, limit=settings.max_prompt_tokens), prompts.seed)

    def chances(self, row: int) -> FloatArray:
        """Softmax of the head's outputs."""
        about, network = self.model.about, self.model.network
        network.eval()
        with torch.inference_mode():
            outputs = forward(network, [self.encoded.tokens[row]], pad=self._pad).double().cpu().numpy()
        return np.asarray(head_of(about.settings.head).chances(outputs, about.buckets, about.scale)[0])

    def learn(self, rows: IntArray, index: IntArray) -> "Encoder":
        """A copy, moved on by AdamW over these rows in batches of like lengths; weights of the old one stay."""
        settings, network = self.model.about.settings, deepcopy(self.model.network)
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate / 2, weight_decay=settings.weight_decay
        )
        torch.manual_seed(self.seed)
        network.train()
        draw = np.random.default_rng([self.seed, len(rows)])
        for _ in range(PASSES):
            for some in batches(self.encoded.lengths[rows], settings.batch_size, shuffle=draw):
                self._step(network, optimizer, rows[some], index[some])
        return replace(self, model=LengthModel(network, self.model.tokenizer, self.model.about))

    def _step(self, network: Any, optimizer: Any, rows: IntArray, index: IntArray) -> None:
        batch = padded([self.encoded.tokens[row] for row in rows.tolist()], pad=self._pad, device=network.device)
        outputs = network(input_ids=batch.tokens, attention_mask=batch.mask).logits
        loss = torch.nn.functional.cross_entropy(outputs, torch.from_numpy(index).to(network.device))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimizer.step()

    @property
    def _pad(self) -> int:
        return self.model.tokenizer.pad_token_id or 0
