"""Reductions called from Python (numpy_module.cpp), beside NumPy itself."""
import os
import signal
import sys
import threading
import time
import unittest

import numpy as np

sys.path.insert(0, sys.argv.pop(1))
import kernels

random = np.random.default_rng(1)
X = random.random((40, 3), dtype=np.float32)
Y = random.random((70, 3), dtype=np.float32)
B = random.random((70, 1), dtype=np.float32)


def gauss(X, Y, B, g):
    distances = ((X[..., :, None, :].astype(np.float64) - Y[..., None, :, :]) ** 2).sum(-1)
    return np.exp(-g * distances) @ B


class Numpy(unittest.TestCase):
    def near(self, found, expected):
        self.assertEqual(found.shape, expected.shape)
        np.testing.assert_allclose(found, expected, rtol=2e-5)

    def test_a_call(self):
        found = kernels.gauss(X, Y, B, 0.5)
        self.assertEqual(found.dtype, np.float32)
        self.near(found, gauss(X, Y, B, 0.5))
        self.near(kernels.gauss(X, Y, B[:, 0], np.array([0.5], np.float32)), gauss(X, Y, B, 0.5))
        self.near(kernels.gauss(X, Y, B, 2, threads=1), gauss(X, Y, B, 2))
        doubles = [a.astype(np.float64) for a in (X, Y, B)]
        np.testing.assert_allclose(kernels.gauss_in_double(*doubles, 0.5), gauss(X, Y, B, 0.5), rtol=1e-12)

    def test_results_outlive_their_arguments(self):
        found = kernels.gauss(X.copy(), Y.copy(), B.copy(), 0.5)
        kept = found[3:, :]
        del found
        self.near(kept, gauss(X, Y, B, 0.5)[3:])

    def test_any_strides(self):
        self.near(kernels.gauss(np.asfortranarray(X), Y, B, 0.5), gauss(X, Y, B, 0.5))
        wide = random.random((140, 7), dtype=np.float32)
        self.near(kernels.gauss(X[::-2], wide[::2, 1:7:2], B, 0.5), gauss(X[::-2], wide[::2, 1:7:2], B, 0.5))

    def test_batches(self):
        many_x, many_b = random.random((4, 1, 40, 3), dtype=np.float32), random.random((5, 70, 1), dtype=np.float32)
        found = kernels.gauss(many_x, Y, many_b, 0.5)
        self.assertEqual(found.shape, (4, 5, 40, 1))
        self.near(found, gauss(many_x, Y, many_b, 0.5))

    def test_indices(self):
        found = kernels.nearest(X, Y)
        self.assertEqual(found.dtype, np.int64)
        distances = ((X[:, None, :].astype(np.float64) - Y[None]) ** 2).sum(-1)
        np.testing.assert_array_equal(found, np.argsort(distances, axis=1)[:, :2])

    def test_out(self):
        wide = np.full((40, 2), 7, np.float32)
        out = wide[:, 1:]
        self.assertIs(kernels.gauss(X, Y, B, 0.5, out=out), out)
        self.near(out, gauss(X, Y, B, 0.5))
        self.assertTrue((wide[:, 0] == 7).all())
        out.flags.writeable = False
        with self.assertRaisesRegex(ValueError, "only be read"):
            kernels.gauss(X, Y, B, 0.5, out=out)
        with self.assertRaisesRegex(ValueError, "std::int64_t were given, float is needed"):
            kernels.gauss(X, Y, B, 0.5, out=np.zeros((40, 1), np.int64))
        with self.assertRaisesRegex(ValueError, "argument 0 .* lies in the memory that the result is written to"):
            kernels.gauss(X, Y, B, 0.5, out=X[:, :1])

    def test_counts_that_no_array_gives(self):
        self.near(kernels.numbers(2.0, rows=3, columns=5), np.full((3, 1), 20.0))

    def test_errors_are_sentences(self):
        for error, sentence, call in [
            (ValueError, "3 arguments were given, a call takes 4", lambda: kernels.gauss(X, Y, B)),
            (ValueError, "argument 0 ", lambda: kernels.gauss(X[:, :2], Y, B, 0.5)),
            (ValueError, "double", lambda: kernels.gauss(X.astype(np.float64), Y, B, 0.5)),
            (ValueError, "16 bits", lambda: kernels.gauss(X.astype(np.float16), Y, B, 0.5)),
            (TypeError, "complex64", lambda: kernels.gauss(X.astype(np.complex64), Y, B, 0.5)),
            (TypeError, "array of NumPy or a number", lambda: kernels.gauss(X.tolist(), Y, B, 0.5)),
            (ValueError, "byte order", lambda: kernels.gauss(X.astype(">f4"), Y, B, 0.5)),
            (ValueError, "batch extents", lambda: kernels.gauss(np.zeros((2, 4, 3), "f4"), np.zeros((3, 7, 3), "f4"), np.zeros((7, 1), "f4"), 1)),
        ]:
            with self.assertRaisesRegex(error, sentence):
                call()

    def test_its_formula_is_its_documentation(self):
        self.assertIn("Sum(exp(-p3 |x0 - y1|^2) y2)", kernels.gauss.__doc__)

    def test_other_threads_run_and_ctrl_c_ends_a_call(self):
        many = random.random((300_000, 3), dtype=np.float32)
        weights = np.ones((300_000, 1), np.float32)
        seen = []
        threading.Timer(0.2, lambda: (seen.append(True), os.kill(os.getpid(), signal.SIGINT))).start()
        begin = time.monotonic()
        with self.assertRaises(KeyboardInterrupt):
            for _ in range(1000):
                kernels.gauss(many, many, weights, 0.5)
        self.assertTrue(seen)
        self.assertLess(time.monotonic() - begin, 20)


unittest.main()
