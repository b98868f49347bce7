"""Every function on numpy arrays against plain float64."""

import unittest

import numpy as np

import nsajit
from reference import Case, attend, choose_blocks, selected_by_blocks, selected_by_ranges, visible, window

CASES = [
    Case(S=S, S_kv=S_kv, dtype=dtype, layout=layout)
    for S, S_kv in ((37, 90), (33, 33), (1, 77))
    for dtype in ("float32", "float16", "bf16")
    for layout in ("grouped", "flash")
]


class Branches(unittest.TestCase):
    def each(self):
        for case in CASES:
            with self.subTest(S=case.S, S_kv=case.S_kv, dtype=case.dtype, layout=case.layout):
                yield case

    def test_selection_by_ranges(self):
        for case in self.each():
            o, lse = nsajit.selection_attention(case.given(case.q), case.given(case.k), case.given(case.v), case.ranges,
                                                sparsity=case.sparsity, return_lse=True)
            expected = attend(case.q, case.k, case.v, selected_by_ranges(case.ranges), case.S_kv - case.S)
            self.assertLess(case.error(o, lse, expected), case.tolerance)

    def test_selection_by_blocks(self):
        for case in self.each():
            o, lse = nsajit.selection_attention(case.given(case.q), case.given(case.k), case.given(case.v), case.blocks.astype(np.int64),
                                                sparsity=case.sparsity, return_lse=True)
            expected = attend(case.q, case.k, case.v, selected_by_blocks(case.blocks, case.sparsity.l_sel), case.S_kv - case.S)
            self.assertLess(case.error(o, lse, expected), case.tolerance)

    def test_sliding(self):
        for case in self.each():
            o, lse = nsajit.sliding_attention(case.given(case.q), case.given(case.k), case.given(case.v), sparsity=case.sparsity,
                                              return_lse=True)
            self.assertLess(case.error(o, lse, attend(case.q, case.k, case.v, window(case.sparsity.w), case.S_kv - case.S)), case.tolerance)

    def test_compressed(self):
        for case in self.each():
            o, lse = nsajit.compressed_attention(case.given(case.q), case.given(case.k_cmp), case.given(case.v_cmp), kv_length=case.S_kv,
                                                 sparsity=case.sparsity, return_lse=True)
            sees = visible(case.sparsity, case.k_cmp.shape[2])
            self.assertLess(case.error(o, lse, attend(case.q, case.k_cmp, case.v_cmp, sees, case.S_kv - case.S)), case.tolerance)

    def test_select_blocks(self):
        for case in self.each():
            expected, closest = choose_blocks(case.q, case.k_cmp, case.sparsity, case.S_kv, 4)
            self.assertGreater(closest, 1e-5, "scores that fp32 can tell apart")
            q, k_cmp = case.given(case.q), case.given(case.k_cmp)
            blocks = nsajit.select_blocks(q, k_cmp, kv_length=case.S_kv, sparsity=case.sparsity)
            np.testing.assert_array_equal(blocks, expected)
            ranges = nsajit.select_blocks(q, k_cmp, kv_length=case.S_kv, sparsity=case.sparsity, ranges=True)
            by_blocks, by_ranges = selected_by_blocks(blocks, case.sparsity.l_sel), selected_by_ranges(ranges)
            for b, s, g in np.ndindex(*blocks.shape[:3]):
                position = case.S_kv - case.S + s
                self.assertEqual(sorted(by_blocks(b, s, g, position)), sorted(by_ranges(b, s, g, position)))

    def test_a_softmax_scale_is_taken(self):
        case = Case()
        o, lse = nsajit.sliding_attention(case.q, case.k, case.v, sparsity=case.sparsity, scale=0.3, return_lse=True)
        expected = attend(case.q, case.k, case.v, window(case.sparsity.w), case.S_kv - case.S, scale=0.3)
        self.assertLess(case.error(o, lse, expected), case.tolerance)

    def test_a_cache_that_is_not_full_is_read_where_it_lies(self):
        case = Case(S=1, S_kv=90)
        o = nsajit.sliding_attention(case.q, case.k[:, :, :50], case.v[:, :, :50], sparsity=case.sparsity)
        copied = nsajit.sliding_attention(case.q, case.k[:, :, :50].copy(), case.v[:, :, :50].copy(), sparsity=case.sparsity)
        np.testing.assert_array_equal(o, copied)

    def test_an_empty_selection_is_zero(self):
        case = Case()
        o, lse = nsajit.selection_attention(case.q, case.k, case.v, np.full_like(case.blocks, -1), sparsity=case.sparsity, return_lse=True)
        self.assertEqual(np.abs(o).max(), 0)
        self.assertTrue(np.isneginf(lse).all())


class Whole(unittest.TestCase):
    def parts(self, case):
        caches = nsajit.Caches(case.k_cmp, case.v_cmp, case.k, case.v, case.k[:, :, ::-1].copy(), case.v[:, :, ::-1].copy())
        gates = np.random.default_rng(3).random((*case.q.shape[:-1], 3), np.float32)
        first = case.S_kv - case.S
        blocks, _ = choose_blocks(case.q, case.k_cmp, case.sparsity, case.S_kv, case.sparsity.n_sel)
        o_cmp, _ = attend(case.q, case.k_cmp, case.v_cmp, visible(case.sparsity, case.k_cmp.shape[2]), first)
        o_sel, _ = attend(case.q, case.k, case.v, selected_by_blocks(blocks, case.sparsity.l_sel), first)
        o_win, _ = attend(case.q, caches.k_win, caches.v_win, window(case.sparsity.w), first)
        return caches, gates, gates[..., 0:1] * o_cmp + gates[..., 1:2] * o_sel + gates[..., 2:3] * o_win

    def test_all_branches_and_the_gate(self):
        case = Case()
        caches, gates, expected = self.parts(case)
        o, blocks = nsajit.nsa_attention(case.q, caches, gates, sparsity=case.sparsity, return_blocks=True)
        self.assertLess(np.abs(o - expected).max(), 2e-5)
        self.assertEqual(blocks.shape, (2, 37, 2, 4))

    def test_steps_of_decoding_equal_the_prefill(self):
        case = Case(S=90, S_kv=90)
        caches, gates, _ = self.parts(case)
        whole = nsajit.nsa_attention(case.q, caches, gates, sparsity=case.sparsity)
        for t in (0, 5, 30, 63, 64, 89):
            cmp = case.sparsity.compressed_count(t + 1)
            at = nsajit.Caches(caches.k_cmp[:, :, :cmp], caches.v_cmp[:, :, :cmp], caches.k_sel[:, :, : t + 1], caches.v_sel[:, :, : t + 1],
                               caches.k_win[:, :, : t + 1], caches.v_win[:, :, : t + 1])
            step = nsajit.decode_step(case.q[:, t : t + 1], at, gates[:, t : t + 1], sparsity=case.sparsity)
            self.assertLess(np.abs(step - whole[:, t : t + 1]).max(), 2e-5, f"position {t}")

    def test_sequences_of_unequal_lengths_decode_together(self):
        case = Case(S=90, S_kv=90)
        caches, gates, _ = self.parts(case)
        whole, blocks = nsajit.nsa_attention(case.q, caches, gates, sparsity=case.sparsity, return_blocks=True)
        lengths = np.array([71, 30], np.int32)
        rows = [np.stack([tensor[b, lengths[b] - 1] for b in range(2)])[:, None] for tensor in (case.q, gates, whole, blocks)]
        step, chosen = nsajit.decode_step(rows[0], caches, rows[1], sparsity=case.sparsity, lengths=lengths, return_blocks=True)
        self.assertLess(np.abs(step - rows[2]).max(), 2e-5)
        np.testing.assert_array_equal(chosen, rows[3])

    def test_caches_in_pages(self):
        case, page = Case(S=1, S_kv=96), 32
        caches, gates, _ = self.parts(case)
        contiguous = nsajit.decode_step(case.q, caches, gates, sparsity=case.sparsity, kv_length=96)
        table = np.array([[4, 0, 3], [1, 5, 2]], np.int32)

        def to_pages(cache, rows):
            pool = np.full((6, cache.shape[1], rows, cache.shape[3]), np.nan, np.float32)
            for b, nth in np.ndindex(2, 3):
                part = cache[b, :, nth * rows : (nth + 1) * rows]
                pool[table[b, nth], :, : part.shape[1]] = part
            return pool

        names = ("k_cmp", "v_cmp", "k_sel", "v_sel", "k_win", "v_win")
        pages = nsajit.Caches(*(to_pages(getattr(caches, name), page // case.sparsity.d if "cmp" in name else page) for name in names))
        np.testing.assert_array_equal(nsajit.decode_step(case.q, pages, gates, sparsity=case.sparsity, block_table=table), contiguous)
        with self.assertRaisesRegex(nsajit.InvalidArgumentError, "k_cmp has 32 rows of each page"):
            pages.k_cmp = pages.k_sel
            nsajit.decode_step(case.q, pages, gates, sparsity=case.sparsity, block_table=table)

    def test_steps_write_the_compressed_tokens_that_they_complete(self):
        for layout in ("grouped", "flash"):
            case = Case(layout=layout)
            k, v = case.given(case.k), case.given(case.v)
            whole = nsajit.compress(k, v, sparsity=case.sparsity, grouped=layout == "grouped")
            made = [np.zeros_like(cache) for cache in whole]
            wrote = [nsajit.compress_step(k, v, *made, length, sparsity=case.sparsity, grouped=layout == "grouped") for length in range(1, 91)]
            self.assertEqual(sum(wrote), case.sparsity.compressed_count(90))
            for cache, expected in zip(made, whole):
                np.testing.assert_array_equal(cache, expected)

    def test_compress(self):
        for case in (Case(), Case(dtype="bf16"), Case(layout="flash")):
            grouped = case.layout == "grouped"
            count = case.sparsity.compressed_count(90)
            k_cmp, v_cmp = nsajit.compress(case.given(case.k), case.given(case.v), sparsity=case.sparsity, grouped=grouped)
            for made, raw in ((k_cmp, case.k), (v_cmp, case.v)):
                made = nsajit.to_float32(made) if grouped else nsajit.to_float32(made).swapaxes(1, 2)
                expected = np.stack([raw[:, :, 4 * i : 4 * i + 8].mean(2) for i in range(count)], 2)
                np.testing.assert_allclose(made, expected, rtol=case.tolerance, atol=case.tolerance)

    def test_compress_the_tokens_that_are_new(self):
        case = Case()
        whole = nsajit.compress(case.k, sparsity=case.sparsity)
        np.testing.assert_array_equal(nsajit.compress(case.k, sparsity=case.sparsity, first=20), whole[:, :, 20:])
        self.assertEqual(nsajit.compress(case.k[:, :, :7], sparsity=case.sparsity).shape, (2, 2, 0, 32))
        with self.assertRaisesRegex(nsajit.InvalidArgumentError, "first is 22; 90 tokens complete 21"):
            nsajit.compress(case.k, sparsity=case.sparsity, first=22)

    def test_combine(self):
        for case in CASES:
            random = np.random.default_rng(5)
            outputs = [case.rounded(random.standard_normal((case.B, case.S, case.G, case.h, 16))) for _ in range(3)]
            gates = random.random((case.B, case.S, case.G, case.h, 3), np.float32)
            shape = (*case.given(case.q).shape[:-1], 3)
            o = nsajit.combine(*(case.given(output) for output in outputs), gates.reshape(shape), sparsity=case.sparsity, groups=case.G)
            expected = sum(gates[..., i : i + 1] * outputs[i] for i in range(3))
            np.testing.assert_allclose(nsajit.to_float32(o).reshape(expected.shape), expected, atol=case.tolerance)
            o = nsajit.combine(None, case.given(outputs[1]), None, gates.reshape(shape), sparsity=case.sparsity, groups=case.G)
            np.testing.assert_allclose(nsajit.to_float32(o).reshape(expected.shape), gates[..., 1:2] * outputs[1], atol=case.tolerance)

    def test_bf16_round_trip(self):
        values = np.array([1.0, -2.5, 3.140625, 1e-20], np.float32)
        np.testing.assert_allclose(nsajit.to_float32(nsajit.to_bf16(values)), values, rtol=1 / 256)


if __name__ == "__main__":
    unittest.main()
