"""`gpu-validate steps`: decode steps and prefills of GPT-NeoX and GPT-J on one device, against what was foretold."""
