"""Contexts, facts and what is raised."""

import os
import tempfile
import threading
import unittest

import numpy as np

import nsajit
from reference import Case


class Facts(unittest.TestCase):
    def test_a_call_says_which_kernel_serves_it(self):
        case = Case()
        facts = nsajit.explain(nsajit.selection_attention, case.q, case.k, case.v, case.ranges, sparsity=case.sparsity)
        self.assertIn("selection,forward,fp32,dk=32,dv=16,l=8,d=4,l_sel=16,n_sel=4,w=21,group=3,grouped,ranges", facts.workload)
        self.assertIn(facts.grade, ("exact", "nearest", "fallback"))
        self.assertTrue(facts.reason)
        blocks = nsajit.explain(nsajit.select_blocks, case.q, case.k_cmp, sparsity=case.sparsity, kv_length=90, dv=16)
        self.assertIn("scoring,", blocks.workload)

    def test_flash_layout_is_another_tuple(self):
        case = Case(layout="flash")
        facts = nsajit.explain(nsajit.sliding_attention, case.given(case.q), case.given(case.k), case.given(case.v), sparsity=case.sparsity)
        self.assertIn("flash", facts.workload)

    def test_version(self):
        self.assertRegex(nsajit.version(), r"^\d+\.\d+\.\d+$")


class Contexts(unittest.TestCase):
    def test_a_context_names_its_device(self):
        self.assertTrue(nsajit.Context("cpu").device.startswith("cpu;name="))
        self.assertEqual(nsajit.refresh(), 0)

    def test_frozen_is_an_error_where_a_kernel_would_be_compiled(self):
        case = Case()
        with tempfile.TemporaryDirectory() as folder:
            nsajit.configure(os.path.join(folder, "cache.db"), frozen=True)
            try:
                with self.assertRaises(nsajit.FrozenError):
                    nsajit.sliding_attention(case.q, case.k, case.v, sparsity=case.sparsity)
            finally:
                nsajit.configure()

    def test_a_forced_branch_is_the_whole_output(self):
        case = Case()
        caches = nsajit.Caches(case.k_cmp, case.v_cmp, case.k, case.v, case.k, case.v)
        gates = np.full((*case.q.shape[:-1], 3), np.nan, np.float32)  # of a forced branch nobody reads them
        expected = nsajit.sliding_attention(case.q, case.k, case.v, sparsity=case.sparsity)
        os.environ["NSA_FORCE_BRANCH"] = "win"
        nsajit.configure()  # contexts read the environment when they are made
        try:
            np.testing.assert_array_equal(nsajit.nsa_attention(case.q, caches, gates, sparsity=case.sparsity), expected)
        finally:
            del os.environ["NSA_FORCE_BRANCH"]
            nsajit.configure()

    def test_threads_share_a_context(self):
        case, wrong = Case(), []
        expected = nsajit.sliding_attention(case.q, case.k, case.v, sparsity=case.sparsity)

        def run():
            for _ in range(20):
                o = nsajit.sliding_attention(case.q, case.k, case.v, sparsity=case.sparsity)
                if not np.array_equal(o, expected):
                    wrong.append(o)

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])


class Mistakes(unittest.TestCase):
    def refused(self, text, kind=nsajit.InvalidArgumentError, **changed):
        case = Case()
        given = {"q": case.q, "k": case.k, "v": case.v, "selection": case.ranges, "sparsity": case.sparsity, **changed}
        with self.assertRaisesRegex(kind, text):
            nsajit.selection_attention(**given)

    def test_each_says_what_is_wrong(self):
        case = Case()
        self.refused("q is float64", q=case.q.astype(np.float64))
        self.refused("k has dtype fp16; it has to be fp32", k=case.k.astype(np.float16))
        self.refused(r"v has shape \[2, 2, 89, 16\]", v=case.v[:, :, :89])
        self.refused("q has shape", q=case.q[0, 0])
        self.refused("n=4 is larger than n_sel=2", sparsity=nsajit.Sparsity(8, 4, 16, 2, 21))
        self.refused("sel has shape", selection=case.ranges[:, :5])
        self.refused("give a numpy array or a torch tensor", q=[1.0])
        self.refused("rows have to be contiguous", q=np.asfortranarray(case.q))
        with self.assertRaisesRegex(nsajit.InvalidArgumentError, "gates has shape"):
            nsajit.nsa_attention(case.q, nsajit.Caches(case.k_cmp, case.v_cmp, case.k, case.v, case.k, case.v), case.q[..., :2])
        with self.assertRaisesRegex(nsajit.InvalidArgumentError, "a step has one"):
            nsajit.decode_step(case.q, None, None)

    def test_a_device_that_is_not_there(self):
        with self.assertRaisesRegex(nsajit.InvalidArgumentError, "unknown device 'tpu'"):
            nsajit.Context("tpu")

    def test_every_error_is_an_nsajit_error(self):
        self.assertTrue(issubclass(nsajit.FrozenError, nsajit.Error))
        self.assertTrue(issubclass(nsajit.InvalidArgumentError, ValueError))


if __name__ == "__main__":
    unittest.main()
