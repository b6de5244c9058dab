"""Damage to files."""

from pathlib import Path


def flip(path: Path, share: float = 0.5, bits: int = 1) -> None:
    """Flip bits of one byte of a file: the byte behind a share of the others."""
    content = bytearray(path.read_bytes())
    content[int(share * len(content))] ^= bits
    path.write_bytes(content)
