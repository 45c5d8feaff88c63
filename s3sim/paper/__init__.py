"""S³'s figures, tables and claims, each beside what this simulator finds: runs, claims, and the page made of them."""
