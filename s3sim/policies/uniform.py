"""Random numbers that depend on what they are drawn for, and on nothing else."""

__all__ = ["uniform"]

# SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014);
# constants of Vigna's splitmix64.c.
GOLDEN = 0x9E3779B97F4A7C15
FIRST = 0xBF58476D1CE4E5B9
SECOND = 0x94D049BB133111EB
MASK = 2**64 - 1


def uniform(*numbers: int) -> float:
    """A number in [0, 1) for whole numbers; other numbers give an independent one."""
    state = 0
    for number in numbers:
        state = (state + number + 1) * GOLDEN & MASK
        state = (state ^ state >> 30) * FIRST & MASK
        state = (state ^ state >> 27) * SECOND & MASK
        state ^= state >> 31
    return (state >> 11) * 2.0**-53
