"""What nsajit is compared with: packed SDPA as torch does it best, and dense attention.

Packed SDPA gathers the selected K and V of each row to [rows, L, d] and runs one dense SDPA per length, the heads of a
group as its queries, without a causal flag: with one query that flag would show it the first key only. The indices of the
gather are made outside the clock, which favours torch.
"""

import dataclasses

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

MOST_ROWS = 32768  # of one SDPA call; CUDA grids end at 65535
BACKENDS = {
    "flash": [SDPBackend.FLASH_ATTENTION],
    "cudnn": [SDPBackend.CUDNN_ATTENTION],
    "efficient": [SDPBackend.EFFICIENT_ATTENTION],
    "math": [SDPBackend.MATH],
}
MASKED = [SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]  # flash takes no mask


def gather_by_index(flat, index, blocks, l_sel):
    return flat[index]


def gather_by_index_select(flat, index, blocks, l_sel):
    return flat.index_select(0, index.view(-1)).view(*index.shape, flat.shape[-1])


def gather_by_embedding(flat, index, blocks, l_sel):
    return F.embedding(index, flat)


def gather_by_blocks(flat, index, blocks, l_sel):
    """Whole selection blocks, then as many tokens as the row has."""
    whole = flat.view(-1, l_sel * flat.shape[-1]).index_select(0, blocks.view(-1))
    return whole.view(blocks.shape[0], -1, flat.shape[-1])[:, :index.shape[1]]


GATHERS = {
    "index": gather_by_index,
    "index_select": gather_by_index_select,
    "embedding": gather_by_embedding,
    "blocks": gather_by_blocks,
}


@dataclasses.dataclass(frozen=True)
class Way:
    """One way to write packed SDPA with torch."""
    gather: str = "index_select"
    backend: str = "flash"
    chunk_mib: int = 1024      # packed K and V of one call
    short_rows: str = "padded"  # 'padded' to full length with a mask, or 'buckets' by length

    def __str__(self):
        return f"{self.gather}, {self.backend}, {self.chunk_mib} MiB, short rows {self.short_rows}"


@dataclasses.dataclass
class Piece:
    """Rows of one SDPA call. `rows` is a slice where they lie side by side."""
    rows: object
    index: torch.Tensor   # [rows, L] into the flattened keys
    blocks: torch.Tensor  # [rows, blocks]
    mask: torch.Tensor | None = None


class PackedSdpa:
    def __init__(self, case, way, out):
        self.case, self.way = case, way
        self.flat_k, self.flat_v = case.k.view(-1, case.shape.dk), case.v.view(-1, case.shape.dv)
        self.q = case.q.view(-1, 1, case.shape.group, case.shape.dk)
        self.out = out.view(-1, 1, case.shape.group, case.shape.dv)
        if way.gather == "blocks" and case.S_kv % case.shape.l_sel != 0:
            raise RuntimeError("gather by blocks: the keys are not a whole number of blocks")
        self.pieces = list(self._cut())

    def _cut(self):
        lengths = self.case.lengths.view(-1)
        longest = self.case.shape.tokens
        if int(lengths.min()) == longest:
            yield from self._pieces_of(None, longest)
            return
        buckets = lengths.clone()
        if self.way.short_rows == "padded":  # rows that see less than n_sel whole blocks: nearly each has its own length
            short = lengths <= longest - self.case.shape.l_sel
            buckets[short] = 0
        for length in buckets.unique().tolist():
            rows = (buckets == length).nonzero().view(-1)
            yield from self._pieces_of(rows, length)

    def _pieces_of(self, rows, length):
        """`rows` None: all of them; `length` 0: padded to full length."""
        padded = length == 0
        length = length or self.case.shape.tokens
        row_bytes = length * (self.case.shape.dk + self.case.shape.dv) * self.case.q.element_size()
        step = max(1, min(MOST_ROWS, self.way.chunk_mib * 2 ** 20 // row_bytes))
        count = self.q.shape[0] if rows is None else len(rows)
        for first in range(0, count, step):
            last = min(first + step, count)
            part = slice(first, last) if rows is None else rows[first:last]
            index, blocks = self._indices(part, length)
            mask = None
            if padded:
                mask = torch.arange(length, device=index.device) < self.case.lengths.view(-1)[part][:, None]
                mask = mask[:, None, None, :].expand(-1, 1, self.case.shape.group, -1)
            yield Piece(part, index, blocks, mask)

    def _indices(self, part, length):
        """All entries but the last used one are whole blocks, so token j of a row lies in entry j // l_sel."""
        shape, keys = self.case.shape, self.case.S_kv
        row = torch.arange(self.q.shape[0], device=self.q.device)[part]
        pair = row // (shape.S * shape.kv_heads) * shape.kv_heads + row % shape.kv_heads
        start = self.case.ranges[..., 0].view(-1, shape.n_sel)[part].long()
        token = torch.arange(length, device=self.q.device)
        index = start[:, token // shape.l_sel] + token % shape.l_sel
        index = index.clamp(max=keys - 1) + (pair * keys)[:, None]  # padding of short rows may run over the end
        entries = -(-length // shape.l_sel)
        blocks = (start // shape.l_sel + (pair * (keys // shape.l_sel))[:, None])[:, :entries]
        return index, blocks.contiguous()

    def __call__(self):
        gather, l_sel = GATHERS[self.way.gather], self.case.shape.l_sel
        for piece in self.pieces:
            k = gather(self.flat_k, piece.index, piece.blocks, l_sel).unsqueeze(1)
            v = gather(self.flat_v, piece.index, piece.blocks, l_sel).unsqueeze(1)
            with sdpa_kernel(BACKENDS[self.way.backend] if piece.mask is None else MASKED):
                self.out[piece.rows] = F.scaled_dot_product_attention(self.q[piece.rows], k, v, attn_mask=piece.mask,
                                                                      scale=self.case.scale)


def candidate_ways(case):
    """Ways to try, one dimension after the other; each stage keeps the best so far."""
    full = int(case.lengths.min()) == case.shape.tokens
    yield "gather", list(GATHERS)
    # cuDNN builds a plan per length; unequal rows have hundreds of lengths.
    yield "backend", ["flash", "efficient", "cudnn"] if full else ["flash", "efficient"]
    yield "chunk_mib", [128, 1024, 8192]
    if not full:
        yield "short_rows", ["padded", "buckets"]


def find_best_packed(case, out, time_ms):
    """The fastest way that runs, as (PackedSdpa, its way, what was tried). `time_ms` times a callable."""
    tried = {}

    def attempt(way):
        if str(way) in tried:
            return
        try:
            tried[str(way)] = {"way": way, "ms": time_ms(PackedSdpa(case, way, out))}
        except (RuntimeError, torch.OutOfMemoryError) as error:
            tried[str(way)] = {"way": way, "refused": str(error).splitlines()[0]}
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    best = Way(backend="flash" if case.q.is_cuda and case.shape.dk == case.shape.dv else "efficient" if case.q.is_cuda else "math")
    for field, values in candidate_ways(case):
        for value in values:
            attempt(dataclasses.replace(best, **{field: value}))
        ran = [entry for entry in tried.values() if "ms" in entry]
        if not ran:
            continue
        best = min(ran, key=lambda entry: entry["ms"])["way"]
    if not any("ms" in entry for entry in tried.values()):
        raise RuntimeError(f"torch runs packed SDPA of {case.shape} in no way: {[entry['refused'] for entry in tried.values()]}")
    log = [{key: str(value) if key == "way" else value for key, value in entry.items()} for entry in tried.values()]
    return PackedSdpa(case, best, out), best, log


class DenseAttention:
    """Causal attention over all keys on the same heads: what a user without sparse attention runs. S must equal S_kv:
    torch aligns its causal flag to the first key."""

    def __init__(self, case, backend):
        self.case, self.backend = case, backend
        shape = case.shape
        self.q = case.q.view(shape.B, shape.S, shape.q_heads, shape.dk).transpose(1, 2)
        self.result = None

    def __call__(self):
        with sdpa_kernel(BACKENDS[self.backend]):
            self.result = F.scaled_dot_product_attention(self.q, self.case.k, self.case.v, is_causal=True,
                                                         scale=self.case.scale, enable_gqa=True)

    def grouped_result(self):
        shape = self.case.shape
        return self.result.transpose(1, 2).reshape(shape.B, shape.S, shape.kv_heads, shape.group, shape.dv)
