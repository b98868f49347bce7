#!/usr/bin/env python3
"""A naive Native Sparse Attention forward in torch, replaced by nsajit calls: same results, times beside, torch.compile, a CUDA graph.

    PYTHONPATH=dist/python python3 dist/libexec/nsajit/examples/torch_nsa.py [--S 4096] [--device cuda] ...

Each row attends to the same blocks in both where the scores say so clearly; where two blocks' scores differ by less than the rounding of
the dtype, either is right. Outputs are therefore compared with the same blocks given to both, by the parity gate's rule: the error against
float32 is at most twice that of the naive code in the same dtype. Exit status: 0 where all is right.
"""

import argparse
import shutil
import statistics
import sys
import time

import torch
import torch.nn.functional as F

import nsajit


def overlap_matrix(count, blocks, sparsity, device):
    """[count, blocks]: share of compressed token i that lies in selection block j (equation 9)."""
    first = torch.arange(count, device=device)[:, None] * sparsity.d
    block = torch.arange(blocks, device=device)[None] * sparsity.l_sel
    shared = torch.minimum(first + sparsity.l, block + sparsity.l_sel) - torch.maximum(first, block)
    return shared.clamp(min=0).float() / sparsity.l


def masked_attention(q, k, v, mask):
    """q [B,S,G,h,dk], k [B,G,T,dk], mask [B or 1,G or 1,S,T]: rows that see nothing are 0."""
    B, S, G, h, dk = q.shape
    heads = q.permute(0, 2, 3, 1, 4).reshape(B, G * h, S, dk)
    wide = lambda x: x.repeat_interleave(h, 1)
    mask = wide(mask.expand(B, G, *mask.shape[2:]))
    o = F.scaled_dot_product_attention(heads, wide(k), wide(v), attn_mask=mask)
    o = torch.where(mask.any(-1, keepdim=True), o, torch.zeros_like(o))
    return o.reshape(B, G, h, S, -1).permute(0, 3, 1, 2, 4)


def naive_blocks(q, k_cmp, positions, visible, total, sparsity):
    """Scores of all blocks by the compressed keys, then the best n: block 0 and the two local ones always."""
    logits = torch.einsum("bsghd,bgtd->bsght", q.float(), k_cmp.float()) * q.shape[-1] ** -0.5
    p = torch.softmax(logits.masked_fill(~visible[None, :, None, None], float("-inf")), -1).nan_to_num()
    blocks = -(-total // sparsity.l_sel)
    scores = (p @ overlap_matrix(k_cmp.shape[2], blocks, sparsity, q.device)).sum(3)  # [B,S,G,blocks]
    own = (positions // sparsity.l_sel)[:, None]
    index = torch.arange(blocks, device=q.device)[None]
    scores = scores.masked_fill((index > own)[None, :, None], float("-inf"))
    forced = (index == 0) | (index == own) | (index == (own - 1).clamp(min=0))
    scores = scores.masked_fill(forced[None, :, None], float("inf"))
    best, chosen = scores.topk(min(sparsity.n_sel, blocks), -1)
    chosen = torch.where(best == float("-inf"), blocks, chosen).sort(-1).values
    chosen = torch.where(chosen == blocks, -1, chosen)
    return F.pad(chosen, (0, sparsity.n_sel - chosen.shape[-1]), value=-1).int()


def naive_nsa(q, caches, gates, sparsity, blocks=None):
    """What is replaced: dense attention with masks for each branch. Returns o and the blocks."""
    S, total = q.shape[1], caches.k_sel.shape[2]
    positions = torch.arange(total - S, total, device=q.device)
    tokens = torch.arange(total, device=q.device)
    past = tokens[None] <= positions[:, None]
    ends = torch.arange(caches.k_cmp.shape[2], device=q.device) * sparsity.d + sparsity.l - 1
    visible = ends[None] <= positions[:, None]
    if blocks is None:
        blocks = naive_blocks(q, caches.k_cmp, positions, visible, total, sparsity)
    chosen = (blocks[..., None] == (tokens // sparsity.l_sel)[None, None, None, None]).any(3) if S == 1 else chosen_tokens(blocks, tokens, sparsity)
    o_cmp = masked_attention(q, caches.k_cmp, caches.v_cmp, visible[None, None])
    o_sel = masked_attention(q, caches.k_sel, caches.v_sel, chosen.permute(0, 2, 1, 3) & past[None, None])
    o_win = masked_attention(q, caches.k_win, caches.v_win, (past & (tokens[None] > positions[:, None] - sparsity.w))[None, None])
    outputs = torch.stack([o_cmp, o_sel, o_win], -2).float()
    return (gates[..., None] * outputs).sum(-2).to(q.dtype), blocks


def chosen_tokens(blocks, tokens, sparsity):
    """[B,S,G,tokens]: lies in a chosen block."""
    count = int(tokens.shape[0] // sparsity.l_sel) + 1
    marks = torch.zeros((*blocks.shape[:3], count + 1), dtype=torch.bool, device=blocks.device)
    marks.scatter_(-1, torch.where(blocks < 0, count, blocks).long(), True)   # unused entries mark a block that is not there
    return marks[..., tokens // sparsity.l_sel]


def make_inputs(options, dtype, device):
    generator = torch.Generator(device).manual_seed(1)
    made = lambda *shape: torch.randn(shape, generator=generator, device=device).to(dtype)
    B, S, G, h = options.B, options.S, options.groups, options.heads // options.groups
    sparsity = nsajit.Sparsity(l=options.l, d=options.d, l_sel=options.l_sel, n_sel=options.n_sel, w=options.w)
    q = made(B, S, G, h, options.dk)
    k_sel, v_sel, k_win, v_win = (made(B, G, S, size) for size in (options.dk, options.dv, options.dk, options.dv))
    k_cmp, v_cmp = nsajit.compress(k_sel, v_sel, sparsity=sparsity, group=h)
    gates = torch.rand((B, S, G, h, 3), generator=generator, device=device)
    return q, nsajit.Caches(k_cmp, v_cmp, k_sel, v_sel, k_win, v_win), gates, sparsity


def as_float(caches):
    return nsajit.Caches(*(tensor.float() for tensor in vars(caches).values()))


def check(name, q, caches, gates, sparsity):
    """The gate's rule, and how many rows chose the same blocks."""
    o, blocks = nsajit.nsa_attention(q, caches, gates, sparsity=sparsity, return_blocks=True)
    _, own_blocks = naive_nsa(q, caches, gates, sparsity)
    exact, _ = naive_nsa(q.float(), as_float(caches), gates, sparsity, blocks)
    naive, _ = naive_nsa(q, caches, gates, sparsity, blocks)
    same = (blocks == own_blocks).all(-1).float().mean().item()
    error, allowed = ((x.float() - exact).abs().max().item() for x in (o, naive))
    allowed = 2 * allowed + 1e-5
    right = error <= allowed and same > 0.98
    print(f"{name}: largest error {error:.1e}, allowed {allowed:.1e}; {100 * same:.2f} % of rows chose the same blocks: {'right' if right else 'WRONG'}")
    return right


def time_ms(work, device, iterations):
    """Median; on CUDA between events around each run, after warm-up."""
    for _ in range(3):
        work()
    samples = []
    for _ in range(iterations):
        if device.type == "cuda":
            start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            work()
            stop.record()
            stop.synchronize()
            samples.append(start.elapsed_time(stop))
        else:
            start = time.perf_counter()
            work()
            samples.append(1e3 * (time.perf_counter() - start))
    return statistics.median(samples)


def capture(work):
    """The work as a CUDA graph. It ran before, so that all kernels are bound."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = work()
    return graph, captured


def compile_backend(device):
    """Inductor builds its launchers with a C compiler; without one, and on the CPU, the graph alone is compiled."""
    has_compiler = any(shutil.which(name) for name in ("gcc", "cc", "clang"))
    return "inductor" if device.type == "cuda" and has_compiler else "aot_eager"


def compare(name, q, caches, gates, sparsity, options, device):
    """Checks, then times: naive, nsajit, compiled, captured."""
    right = check(name, q, caches, gates, sparsity)
    call = nsajit.decode_step if q.shape[1] == 1 else nsajit.nsa_attention
    naive = lambda: naive_nsa(q, caches, gates, sparsity)[0]
    served = lambda: call(q, caches, gates, sparsity=sparsity)
    expected = served()
    rows = [("naive torch", time_ms(naive, device, options.iterations)), ("nsajit", time_ms(served, device, options.iterations))]
    if not options.no_compile:
        backend = compile_backend(device)
        compiled = torch.compile(served, fullgraph=True, backend=backend)
        close = torch.allclose(compiled().float(), expected.float(), atol=2e-2, rtol=2e-2)
        right = right and close
        rows.append((f"nsajit in torch.compile, {backend}" + ("" if close else ", WRONG"), time_ms(compiled, device, options.iterations)))
    if device.type == "cuda":
        graph, captured = capture(served)
        captured.zero_()
        graph.replay()
        torch.cuda.synchronize()
        equal = torch.equal(captured, expected)
        right = right and equal
        rows.append(("nsajit in a CUDA graph" + ("" if equal else ", WRONG"), time_ms(graph.replay, device, options.iterations)))
    for text, ms in rows:
        print(f"  {text:36} {ms:9.4f} ms  {rows[0][1] / ms:7.2f}x")
    return right


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes = {"B": 1, "S": 4096, "heads": 64, "groups": 4, "dk": 128, "dv": 128, "l": 32, "d": 16, "l_sel": 64, "n_sel": 16, "w": 512}
    for name, value in {**sizes, "iterations": 20}.items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=value)
    parser.add_argument("--dtype", choices=["bfloat16", "float16", "float32"], default="bfloat16")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    options = parser.parse_args()
    device = torch.device(options.device)
    torch.backends.cuda.matmul.allow_tf32 = False

    with torch.no_grad():
        q, caches, gates, sparsity = make_inputs(options, getattr(torch, options.dtype), device)
        print(f"torch {torch.__version__}, nsajit {nsajit.version()} on {nsajit.context_of(str(q.device)).device.split(';')[1]}")
        print(nsajit.explain(nsajit.sliding_attention, q, caches.k_win, caches.v_win, sparsity=sparsity).reason)
        right = compare(f"prefill, S={options.S}", q, caches, gates, sparsity, options, device)
        right = compare(f"decode step, S_kv={options.S}", q[:, -1:], caches, gates[:, -1:], sparsity, options, device) and right
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
