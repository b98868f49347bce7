"""torch tensors: the same results as numpy, on the CPU and, where there is one, on a GPU; operators, torch.compile, CUDA graphs.
Skipped where torch is not installed."""

import shutil
import unittest

import numpy as np

import nsajit
from reference import Case, attend, selected_by_ranges, window

try:
    import torch
except ImportError:
    torch = None

SPARSITY = nsajit.Sparsity(l=8, d=4, l_sel=16, n_sel=4, w=21)


def devices():
    return ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def moved(case, device, dtype):
    return {name: torch.from_numpy(getattr(case, name)).to(device, dtype) for name in ("q", "k", "v", "k_cmp", "v_cmp")} | {
        "ranges": torch.from_numpy(case.ranges).to(device), "blocks": torch.from_numpy(case.blocks).to(device)
    }


@unittest.skipIf(torch is None, "torch is not installed")
class Tensors(unittest.TestCase):
    def test_selection_and_sliding_are_right(self):
        case = Case(dtype="bf16")
        for device in devices():
            with self.subTest(device=device):
                t = moved(case, device, torch.bfloat16)
                o, lse = nsajit.selection_attention(t["q"], t["k"], t["v"], t["ranges"], sparsity=SPARSITY, return_lse=True)
                self.assertEqual((o.dtype, o.device.type), (torch.bfloat16, device))
                expected = attend(case.q, case.k, case.v, selected_by_ranges(case.ranges), case.S_kv - case.S)
                self.assertLess(case.error(o.float().cpu().numpy(), lse.cpu().numpy(), expected), 3e-2)
                o, lse = nsajit.sliding_attention(t["q"], t["k"], t["v"], sparsity=SPARSITY, return_lse=True)
                expected = attend(case.q, case.k, case.v, window(SPARSITY.w), case.S_kv - case.S)
                self.assertLess(case.error(o.float().cpu().numpy(), lse.cpu().numpy(), expected), 3e-2)

    def test_int64_indices_of_topk_are_taken(self):
        case = Case()
        t = moved(case, "cpu", torch.float32)
        by_int64 = nsajit.selection_attention(t["q"], t["k"], t["v"], t["blocks"].long(), sparsity=SPARSITY)
        self.assertTrue(torch.equal(by_int64, nsajit.selection_attention(t["q"], t["k"], t["v"], t["blocks"], sparsity=SPARSITY)))

    def test_torch_and_numpy_give_the_same_bits_on_the_cpu(self):
        case = Case()
        t = moved(case, "cpu", torch.float32)
        by_torch = nsajit.compressed_attention(t["q"], t["k_cmp"], t["v_cmp"], kv_length=90, sparsity=SPARSITY)
        by_numpy = nsajit.compressed_attention(case.q, case.k_cmp, case.v_cmp, kv_length=90, sparsity=SPARSITY)
        np.testing.assert_array_equal(by_torch.numpy(), by_numpy)

    def test_a_gradient_is_refused(self):
        t = moved(Case(), "cpu", torch.float32)
        with self.assertRaisesRegex(nsajit.UnsupportedError, "only the forward pass is built"):
            nsajit.sliding_attention(t["q"].requires_grad_(), t["k"], t["v"], sparsity=SPARSITY)

    def test_tensors_of_two_devices_are_refused(self):
        t = moved(Case(), "cpu", torch.float32)
        with self.assertRaisesRegex(nsajit.Error, "k is on meta, q on cpu"):
            nsajit.sliding_attention(t["q"], t["k"].to("meta"), t["v"], sparsity=SPARSITY)


@unittest.skipIf(torch is None, "torch is not installed")
class Operators(unittest.TestCase):
    def inputs(self, device="cpu"):
        dtype = torch.float32 if device == "cpu" else torch.bfloat16
        t = moved(Case(), device, dtype)
        caches = nsajit.Caches(t["k_cmp"], t["v_cmp"], t["k"], t["v"], t["k"], t["v"])
        gates = torch.rand((*t["q"].shape[:-1], 3), device=device, generator=torch.Generator(device).manual_seed(1))
        return t["q"], caches, gates

    def test_opcheck(self):
        from nsajit import torch_ops

        t = moved(Case(), "cpu", torch.float32)
        sparsity = [8, 4, 16, 4, 21]
        checks = ("test_schema", "test_faketensor")
        torch.library.opcheck(torch_ops.attention, ("selection", t["q"], t["k"], t["v"], t["ranges"], sparsity, 0.0, 0, 0), test_utils=checks)
        torch.library.opcheck(torch_ops.attention, ("sliding", t["q"], t["k"], t["v"], None, sparsity, 0.0, 0, 0), test_utils=checks)
        gates, outputs = torch.rand((*t["q"].shape[:-1], 3)), [torch.rand((*t["q"].shape[:-1], 16)) for _ in range(3)]
        torch.library.opcheck(torch_ops.combine, (*outputs, gates, sparsity, 90, 32, 2), test_utils=checks)
        torch.library.opcheck(torch_ops.compress, (t["k"], t["v"], sparsity, 0, True, 3), test_utils=checks)
        torch.library.opcheck(torch_ops.select_blocks, (t["q"], t["k_cmp"], None, sparsity, 90, 4, 0.0, 16, True), test_utils=checks)

    def test_fake_tensors_have_the_shapes(self):
        from torch._subclasses.fake_tensor import FakeTensorMode

        with FakeTensorMode():
            q, k, v = torch.empty(1, 8, 2, 3, 32), torch.empty(1, 2, 8, 32), torch.empty(1, 2, 8, 16)
            o, lse = nsajit.sliding_attention(q, k, v, sparsity=SPARSITY, return_lse=True)
            self.assertEqual((tuple(o.shape), tuple(lse.shape)), ((1, 8, 2, 3, 16), (1, 8, 2, 3)))

    def test_compiled_is_the_same_in_one_graph(self):
        for device in devices():
            with self.subTest(device=device):
                q, caches, gates = self.inputs(device)
                has_compiler = shutil.which("gcc") or shutil.which("cc")   # inductor builds its launchers with one
                backend = "inductor" if device == "cuda" and has_compiler else "aot_eager"
                run = lambda q, gates: nsajit.nsa_attention(q * 2, caches, gates, sparsity=SPARSITY)
                compiled = torch.compile(run, fullgraph=True, backend=backend)
                torch.testing.assert_close(compiled(q, gates), run(q, gates), rtol=2e-2, atol=2e-2)

    def test_a_compiled_step_of_decoding_is_one_graph(self):
        for device in devices():
            with self.subTest(device=device):
                q, caches, gates = self.inputs(device)
                run = lambda q, gates: nsajit.decode_step(q * 2, caches, gates, sparsity=SPARSITY)
                compiled = torch.compile(run, fullgraph=True, backend="aot_eager")
                torch.testing.assert_close(compiled(q[:, -1:], gates[:, -1:]), run(q[:, -1:], gates[:, -1:]), rtol=2e-2, atol=2e-2)

    def test_a_captured_step_follows_the_lengths(self):
        if not torch.cuda.is_available():
            self.skipTest("no CUDA device")
        q, caches, gates = self.inputs("cuda")
        q, gates = q[:, -1:].contiguous(), gates[:, -1:].contiguous()
        lengths = torch.full((q.shape[0],), 20, dtype=torch.int32, device="cuda")
        run = lambda: nsajit.decode_step(q, caches, gates, sparsity=SPARSITY, lengths=lengths)
        run()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            captured = run()
        for length in (1, 7, 33, caches.k_sel.shape[2]):
            lengths.fill_(length)
            graph.replay()
            expected = run()
            torch.cuda.synchronize()
            self.assertTrue(torch.equal(captured, expected), f"length {length}")

    def test_captured_in_a_cuda_graph(self):
        if not torch.cuda.is_available():
            self.skipTest("no CUDA device")
        q, caches, gates = self.inputs("cuda")
        run = lambda: nsajit.nsa_attention(q, caches, gates, sparsity=SPARSITY)
        expected = run()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            captured = run()
        captured.zero_()
        graph.replay()
        torch.cuda.synchronize()
        self.assertTrue(torch.equal(captured, expected))


if __name__ == "__main__":
    unittest.main()
