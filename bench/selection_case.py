"""One case of the selection benchmark: sizes, tensors, and what the result has to be.

Tensors are nsajit's grouped layout: q[B,S,G,h,dk], k[B,G,S_kv,dk], v[B,G,S_kv,dv], ranges[B,S,G,n,2] half-open int32.
Query row s sits at position S_kv - S + s and reads no token after it.
"""

import dataclasses
import math
import re

import torch

UNUSED = 1 << 30  # sorts behind every block


@dataclasses.dataclass(frozen=True)
class Shape:
    S: int
    q_heads: int
    kv_heads: int
    dk: int
    dv: int
    l_sel: int = 64
    n_sel: int = 16
    B: int = 1

    @property
    def group(self):
        return self.q_heads // self.kv_heads

    @property
    def tokens(self):
        return self.l_sel * self.n_sel

    def __str__(self):
        return (f"S={self.S},Hq/Hkv={self.q_heads}/{self.kv_heads},dk/dv={self.dk}/{self.dv},"
                f"{self.l_sel}x{self.n_sel},B={self.B}")


def parse_shape(text):
    """Reads 'S=8192,Hq/Hkv=64/4,dk/dv=128/128,64x16,B=1', the short form of `nsajit bench selection`."""
    found = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        if match := re.fullmatch(r"(S|B)=(\d+)", part):
            found[match[1]] = int(match[2])
        elif match := re.fullmatch(r"Hq/Hkv=(\d+)/(\d+)", part):
            found["q_heads"], found["kv_heads"] = int(match[1]), int(match[2])
        elif match := re.fullmatch(r"dk/dv=(\d+)/(\d+)", part):
            found["dk"], found["dv"] = int(match[1]), int(match[2])
        elif match := re.fullmatch(r"(\d+)x(\d+)", part):
            found["l_sel"], found["n_sel"] = int(match[1]), int(match[2])
        else:
            raise ValueError(f"shape '{text}': '{part}' is not one of S=, B=, Hq/Hkv=a/b, dk/dv=a/b, LxN")
    missing = {"S", "q_heads", "dk"} - found.keys()
    if missing:
        raise ValueError(f"shape '{text}': missing {', '.join(sorted(missing))}; e.g. S=8192,Hq/Hkv=64/4,dk/dv=128/128,64x16,B=1")
    shape = Shape(**found)
    if min(dataclasses.astuple(shape)) < 1 or shape.q_heads % shape.kv_heads != 0:
        raise ValueError(f"shape '{text}': sizes are at least 1, and Hq is a multiple of Hkv")
    return shape


@dataclasses.dataclass
class Case:
    """`rows`: 'full', each row has all n_sel blocks whole and before it; 'causal', as in training, the first rows short."""
    shape: Shape
    rows: str
    q: torch.Tensor
    k: torch.Tensor
    v: torch.Tensor
    ranges: torch.Tensor
    lengths: torch.Tensor  # [B,S,G] selected tokens
    scale: float

    @property
    def S_kv(self):
        return self.k.shape[2]

    @property
    def workload(self):
        s = self.shape
        dtype = {torch.bfloat16: "bf16", torch.float16: "fp16", torch.float32: "fp32"}[self.q.dtype]
        return (f"selection,forward,{dtype},dk={s.dk},dv={s.dv},l_sel={s.l_sel},n_sel={s.n_sel},group={s.group};"
                f"B={s.B},S={s.S},S_kv={self.S_kv},G={s.kv_heads},n={s.n_sel}")


def make_case(shape, rows, dtype, device, seed):
    if rows not in ("full", "causal"):
        raise ValueError(f"rows '{rows}': full or causal")
    keys = shape.S + shape.tokens if rows == "full" else shape.S
    keys = math.ceil(keys / shape.l_sel) * shape.l_sel if rows == "full" else keys
    if shape.n_sel > math.ceil(keys / shape.l_sel):
        raise ValueError(f"shape {shape}: {shape.n_sel} blocks of {shape.l_sel} are more than {keys} tokens hold")
    torch.manual_seed(seed)
    B, S, G, h = shape.B, shape.S, shape.kv_heads, shape.group
    q = torch.randn(B, S, G, h, shape.dk, device=device, dtype=dtype)
    k = torch.randn(B, G, keys, shape.dk, device=device, dtype=dtype)
    v = torch.randn(B, G, keys, shape.dv, device=device, dtype=dtype)
    ranges = torch.empty(B, S, G, shape.n_sel, 2, device=device, dtype=torch.int32)
    for first in range(0, S, 4096):  # the scores of all blocks of a long sequence would take more than the tensors
        last = min(first + 4096, S)
        ranges[:, first:last] = draw_ranges(shape, rows, keys, first, last, device)
    lengths = (ranges[..., 1] - ranges[..., 0]).sum(-1)
    return Case(shape, rows, q, k, v, ranges, lengths, shape.dk ** -0.5)


def draw_ranges(shape, rows, keys, first, last, device):
    """Block 0, the two nearest blocks and random ones between them, ascending; unused entries are empty."""
    position = torch.arange(first, last, device=device) + keys - shape.S
    blocks = torch.arange(math.ceil(keys / shape.l_sel), device=device)
    own = position // shape.l_sel
    nearest = (position + 1) // shape.l_sel - 1 if rows == "full" else own  # full: the newest block that is whole
    visible = blocks[None, :] <= nearest[:, None]
    forced = (blocks[None, :] == 0) | (blocks[None, :] == nearest[:, None]) | (blocks[None, :] == (nearest - 1).clamp(min=0)[:, None])
    score = torch.rand(shape.B, last - first, shape.kv_heads, len(blocks), device=device)
    score = torch.where((forced & visible)[None, :, None, :], 2.0, score)
    score = torch.where(visible[None, :, None, :], score, -1.0)
    best, index = score.topk(shape.n_sel, dim=-1)
    index = torch.where(best < 0, UNUSED, index).sort(-1).values
    unused = index == UNUSED
    start = index * shape.l_sel
    end = torch.minimum(start + shape.l_sel, (position + 1)[None, :, None, None])
    return torch.stack([start.masked_fill(unused, 0), end.masked_fill(unused, 0)], -1).int()


def sample_rows(case, count, seed=1):
    """The first row, the last and random ones between, as (b, s, g)."""
    B, S, G = case.ranges.shape[:3]
    generator = torch.Generator().manual_seed(seed)
    picked = [(0, 0, 0), (B - 1, S - 1, G - 1)]
    for _ in range(count - len(picked)):
        picked.append(tuple(int(torch.randint(size, (1,), generator=generator)) for size in (B, S, G)))
    return picked


def attend(case, row, tokens, precision):
    """Attention of one row over `tokens`: (o [h,dv], lse [h]). `precision` float64 is the oracle; the case's own dtype
    rounds where kernels of that dtype round: the probabilities before the second product, and the result."""
    b, s, g = row
    same_dtype = precision != torch.float64
    wide = torch.float32 if same_dtype else torch.float64
    logits = case.q[b, s, g].to(wide) @ case.k[b, g, tokens].to(wide).T * case.scale
    lse = logits.logsumexp(-1)
    weights = (logits - logits.amax(-1, keepdim=True)).exp()
    total = weights.sum(-1, keepdim=True)
    if same_dtype:
        weights = weights.to(precision).to(wide)
    o = weights @ case.v[b, g, tokens].to(wide) / total
    return (o.to(precision) if same_dtype else o).double(), lse.double()


def selected_tokens(case, row):
    return torch.cat([torch.arange(start, end, device=case.q.device) for start, end in case.ranges[row].tolist()])


def past_tokens(case, row):
    return torch.arange(case.S_kv - case.shape.S + row[1] + 1, device=case.q.device)


class Judge:
    """Compares results with the float64 oracle on sampled rows; the limit is twice the error of a reference that rounds
    as the dtype does, as in nsajit's parity gate. `tokens` says what a row attends to."""

    def __init__(self, case, tokens, rows):
        self.rows = sample_rows(case, rows)
        wanted = [(row, tokens(case, row)) for row in self.rows]
        exact = [attend(case, row, of, torch.float64) for row, of in wanted]
        rounded = torch.stack([attend(case, row, of, case.q.dtype)[0] for row, of in wanted])
        self.o = torch.stack([o for o, _ in exact])
        self.lse = torch.stack([lse for _, lse in exact])
        difference = (rounded - self.o).abs()
        self.allowed = {"max": 2 * float(difference.max()) + 1e-5, "mean": 2 * float(difference.mean()) + 1e-6}

    def check(self, name, o, lse=None):
        """`o` as [B,S,G,h,dv]. Returns the errors; raises where they are too large or not finite."""
        difference = (torch.stack([o[row] for row in self.rows]).double() - self.o).abs()
        errors = {"max": float(difference.max()), "mean": float(difference.mean())}
        for figure, limit in self.allowed.items():
            if not errors[figure] <= limit:  # NaN too
                raise ArithmeticError(f"{name}: {figure} error {errors[figure]:.3g} against float64, allowed {limit:.3g}")
        if lse is not None:
            off = float((torch.stack([lse[row] for row in self.rows]).double() - self.lse).abs().max())
            if not off <= 1e-3:
                raise ArithmeticError(f"{name}: log-sum-exp is off by {off:.3g}, allowed 0.001")
            errors["lse"] = off
        return errors
