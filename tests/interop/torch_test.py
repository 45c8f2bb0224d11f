"""Reductions of PyTorch's tensors (torch_module.cpp), beside PyTorch itself."""
import sys
import threading
import unittest

import torch
from torch.autograd import grad, gradcheck, gradgradcheck

sys.path.insert(0, sys.argv.pop(1))
import kernels

torch.manual_seed(1)


def leaf(*shape, dtype=torch.float64):
    return (torch.rand(shape, dtype=dtype) + 0.2).requires_grad_()


def squares(X, Y):
    return ((X.unsqueeze(-2) - Y.unsqueeze(-3)) ** 2).sum(-1)


def gauss(X, Y, B, g):
    return torch.exp(-g * squares(X, Y)) @ B


def by_column(X, Y, A):
    return torch.exp(-squares(X, Y)).transpose(-1, -2) @ A


def in_all(X, Y, s):
    return torch.exp(-s * (X.unsqueeze(-2) - Y.unsqueeze(-3)) ** 2).sum((-2, -3)).unsqueeze(-2)


def logsumexp(X, Y, g):
    return torch.logsumexp(-g * squares(X, Y), -1, keepdim=True)


def nearest_by(X, Y, W):
    return (squares(X, Y) * W.transpose(-1, -2)).min(-1, keepdim=True).values


def forces(X, Y, B):
    weights = torch.exp(-squares(X, Y)) * B.transpose(-1, -2)
    return (weights.unsqueeze(-1) * (X.unsqueeze(-2) - Y.unsqueeze(-3))).sum(-2)


def softmax(X, Y, V):
    return torch.softmax(-squares(X, Y), -1) @ V


class Values(unittest.TestCase):
    def near(self, found, expected, tolerance=1e-12):
        self.assertEqual(found.shape, expected.shape)
        self.assertEqual(found.dtype, expected.dtype)
        torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)

    def same_with_gradients(self, name, *arguments, tolerance=1e-12):
        found, expected = getattr(kernels, name)(*arguments), globals()[name](*arguments)
        self.near(found, expected, tolerance)
        e = torch.rand_like(found)
        for mine, theirs in zip(grad(found, arguments, e), grad(expected, arguments, e)):
            self.near(mine, theirs, tolerance)

    def test_each_kind_of_reduction(self):
        X, Y = leaf(60, 3), leaf(90, 3)
        self.same_with_gradients("gauss", X, Y, leaf(90, 1), leaf(1))
        self.same_with_gradients("by_column", X, Y, leaf(60, 1))
        self.same_with_gradients("in_all", X, Y, leaf(3))
        self.same_with_gradients("logsumexp", X, Y, leaf(1))
        self.same_with_gradients("nearest_by", X, Y, leaf(90, 1))
        self.same_with_gradients("forces", X, Y, leaf(90, 1))
        self.same_with_gradients("softmax", X, Y, leaf(90, 2))

    def test_float(self):
        arguments = [leaf(*shape, dtype=torch.float32) for shape in ((60, 3), (90, 3), (90, 1), (1,))]
        self.same_with_gradients("gauss", *arguments, tolerance=1e-4)

    def test_plain_numbers_and_flat_tensors(self):
        X, Y, B = leaf(60, 3), leaf(90, 3), leaf(90, 1)
        self.near(kernels.gauss(X, Y, B, 2), gauss(X, Y, B, 2))
        self.near(kernels.gauss(X, Y, B.squeeze(1), 0.5), gauss(X, Y, B, 0.5))
        g = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
        flat = leaf(90)
        kernels.gauss(X, Y, flat, g).sum().backward()
        expected = grad(gauss(X, Y, flat.unsqueeze(1), g).sum(), (flat, g))
        self.near(flat.grad, expected[0])
        self.near(g.grad, expected[1])

    def test_from_cpp(self):
        X, B = leaf(60, 3), leaf(60, 1)
        found, expected = kernels.called_from_cpp(X, B), gauss(X, X, B, 0.5)
        self.near(found, expected)
        self.near(grad(found.sum(), X)[0], grad(expected.sum(), X)[0])
        self.assertTrue(kernels.throws_errors_of_torch(X))

    def test_batches(self):
        self.same_with_gradients("gauss", leaf(4, 1, 20, 3), leaf(30, 3), leaf(5, 30, 1), leaf(4, 5, 1, 1))
        self.same_with_gradients("logsumexp", leaf(4, 1, 20, 3), leaf(1, 5, 30, 3), leaf(4, 1, 1, 1))
        self.same_with_gradients("nearest_by", leaf(20, 3), leaf(4, 1, 30, 3), leaf(1, 5, 30, 1))

    def test_any_strides(self):
        X, Y, B = leaf(60, 3), leaf(90, 3), leaf(90, 1)
        before = gauss(X, Y, B, 0.5)
        self.near(kernels.gauss(X.t().contiguous().t(), Y, B, 0.5), before)
        wide = torch.rand(180, 7, dtype=torch.float64)
        self.near(kernels.gauss(X, wide[1::2, 1:7:2], B, 0.5), gauss(X, wide[1::2, 1:7:2], B, 0.5))
        self.near(kernels.gauss(X, Y, wide[:90, 2], 0.5), gauss(X, Y, wide[:90, 2:3], 0.5))
        one = torch.rand(1, 1, dtype=torch.float64)
        self.near(kernels.gauss(X, Y, one.expand(90, 1), 0.5), gauss(X, Y, one.expand(90, 1), 0.5))
        many = X.expand(4, 60, 3)
        self.near(kernels.gauss(many, Y, B, 0.5), gauss(many, Y, B, 0.5))
        negative = torch._neg_view(X.detach())
        self.near(kernels.gauss(negative, Y, B, 0.5), gauss(negative.resolve_neg(), Y, B, 0.5))

    def test_no_rows_and_no_columns(self):
        Y, B = leaf(90, 3), leaf(90, 1)
        self.same_with_gradients("gauss", leaf(0, 3), Y, B, leaf(1))
        self.same_with_gradients("gauss", leaf(60, 3), leaf(0, 3), leaf(0, 1), leaf(1))
        self.same_with_gradients("gauss", leaf(0, 60, 3), Y, B, leaf(1))

    def test_indices(self):
        X, Y = leaf(60, 3), leaf(90, 3)
        found = kernels.nearest(X, Y)
        self.assertFalse(found.requires_grad)
        self.near(found, torch.argsort(squares(X, Y), 1)[:, :2])

    def test_labels_are_integers(self):
        X, Y, rows, columns = leaf(60, 3), leaf(90, 3), torch.randint(4, (60,)), torch.randint(4, (90, 1))
        kernels.labelled(X, Y, rows, columns).sum().backward()
        expected = torch.where(rows.unsqueeze(1) == columns.squeeze(1), squares(X, Y), torch.zeros(()).double())
        self.near(kernels.labelled(X, Y, rows, columns), expected.sum(1, keepdim=True))
        self.near(X.grad, grad(expected.sum(), X)[0])

    def test_counts_that_no_tensor_gives(self):
        p = leaf(1)
        found = kernels.numbers(p, rows=3, columns=5)
        self.near(found, p * torch.full((3, 1), 10.0, dtype=torch.float64))
        self.near(grad(found.sum(), p)[0], torch.full((1,), 30.0, dtype=torch.float64))
        self.near(kernels.numbers(2, rows=3, columns=5), torch.full((3, 1), 20.0))

    def test_number_of_threads(self):
        arguments = leaf(500, 3), leaf(700, 3), leaf(700, 1), 0.5
        expected, before = kernels.gauss(*arguments), torch.get_num_threads()
        try:
            torch.set_num_threads(1)
            self.assertTrue(torch.equal(kernels.gauss(*arguments), expected))
        finally:
            torch.set_num_threads(before)

    def test_other_threads_run(self):
        many, weights = torch.rand(60_000, 3), torch.rand(60_000, 1)
        ended, steps = threading.Event(), []

        def count():
            while not ended.wait(0.001):
                steps.append(True)

        other = threading.Thread(target=count)
        other.start()
        before = len(steps)
        kernels.gauss(many, many, weights, 0.5)
        during = len(steps) - before
        ended.set()
        other.join()
        self.assertGreater(during, 10)

    def test_its_formula_is_its_documentation(self):
        self.assertIn("Sum(exp(-p3 |x0 - y1|^2) y2)", kernels.gauss.__doc__)


class Derivatives(unittest.TestCase):
    def twice(self, function, *arguments):
        self.assertTrue(gradcheck(function, arguments))
        self.assertTrue(gradgradcheck(function, arguments))

    def test_each_kind_of_reduction(self):
        X, Y, B = leaf(4, 3), leaf(5, 3), leaf(5, 1)
        self.twice(kernels.gauss, X, Y, B, leaf(1))
        self.twice(kernels.by_column, X, Y, leaf(4, 1))
        self.twice(kernels.in_all, X, Y, leaf(3))
        self.twice(kernels.logsumexp, X, Y, leaf(1))
        self.twice(kernels.nearest_by, X, Y, B)
        self.twice(kernels.forces, X, Y, B)
        self.twice(kernels.softmax, X, Y, leaf(5, 2))

    def test_batches(self):
        self.twice(kernels.gauss, leaf(2, 1, 3, 3), leaf(2, 3), leaf(3, 2, 1), leaf(2, 3, 1, 1))
        self.twice(kernels.by_column, leaf(2, 3, 3), leaf(2, 3), leaf(1, 3, 1))
        self.twice(kernels.in_all, leaf(2, 3, 3), leaf(2, 3), leaf(3))
        self.twice(kernels.logsumexp, leaf(2, 1, 3, 3), leaf(2, 2, 3), leaf(1))
        self.twice(kernels.nearest_by, leaf(3, 3), leaf(2, 2, 3), leaf(2, 1))

    def test_tensors_as_they_lie(self):
        X, Y, B, g = leaf(3, 4), leaf(10, 5), leaf(1, 1), leaf()
        self.twice(lambda X, Y, B, g: kernels.gauss(X.t(), Y[::2, 1:4], B.expand(5, 1), g), X, Y, B, g)
        self.twice(lambda X, B, g: kernels.gauss(X.t(), X.t(), B, g), X, leaf(4), g)

    def test_some_ask_for_a_gradient(self):
        X, Y, B, g = leaf(4, 3), leaf(5, 3).detach(), leaf(5, 1), 0.5
        self.twice(lambda X, B: kernels.gauss(X, Y, B, g), X, B)
        found = kernels.gauss(X, Y, B, g)
        found.sum().backward()
        self.assertIsNone(Y.grad)
        self.assertFalse(kernels.gauss(X.detach(), Y, B.detach(), g).requires_grad)
        with torch.no_grad():
            self.assertFalse(kernels.gauss(X, Y, B, g).requires_grad)

    def test_no_gradient_is_computed_in_vain(self):
        X, Y, B = leaf(4, 3), leaf(5, 3), leaf(5, 1)
        e = torch.ones(4, 1, dtype=torch.float64)
        counts = []
        for asking in ((B,), (Y, B), (X, Y, B)):
            with torch.autograd.profiler.profile() as record:
                grad(kernels.gauss(X, Y, B, 0.5), asking, e)
            counts.append(sum(event.name == "aten::empty" for event in record.function_events))
        self.assertEqual([count - counts[0] for count in counts], [0, 1, 2])

    def test_an_undefined_gradient_is_zero(self):
        class Nothing(torch.autograd.Function):
            @staticmethod
            def forward(context, a):
                return a.clone()

            @staticmethod
            def backward(context, e):
                return None

        X, Y, B = leaf(4, 3), leaf(5, 3), leaf(5, 1)
        a = kernels.gauss(X, Y, B, 0.5)
        Nothing.apply(a).sum().backward(retain_graph=True)
        self.assertIsNone(X.grad)
        (a.sum() + Nothing.apply(kernels.logsumexp(X, Y, 0.5)).sum()).backward()
        torch.testing.assert_close(X.grad, grad(gauss(X, Y, B, 0.5).sum(), X)[0])

    def test_what_derivatives_need_is_kept(self):
        X, Y = leaf(4, 3), leaf(5, 3)
        a = kernels.gauss(X, Y, leaf(5, 1), 0.5)
        a.mul_(2)
        a.sum().backward()
        a = kernels.logsumexp(X, Y, 0.5)
        with torch.no_grad():
            a.mul_(2)
        with self.assertRaisesRegex(RuntimeError, "modified by an inplace operation"):
            a.sum().backward()

    def test_orders_that_were_not_compiled(self):
        X, Y, labels = leaf(4, 3), leaf(5, 3), torch.zeros(5, dtype=torch.int64)
        (once,) = grad(kernels.labelled(X, Y, labels[:4], labels).sum(), X, create_graph=True)
        sentence = (
            "a function of tensors was asked for a derivative of higher order than it was made with: "
            "kf::torch_function<2>(r) has two, and so on"
        )
        with self.assertRaises(RuntimeError) as raised:
            once.sum().backward()
        self.assertEqual(str(raised.exception), sentence)
        with self.assertRaises(RuntimeError) as raised:
            kernels.once(X.float(), Y.float()).sum().backward()
        self.assertEqual(str(raised.exception), sentence)


class Errors(unittest.TestCase):
    def refuses(self, error, sentence, function, *arguments, **options):
        with self.assertRaises(error) as raised:
            function(*arguments, **options)
        self.assertIs(type(raised.exception), error)
        self.assertEqual(str(raised.exception), sentence)

    def test_they_are_sentences(self):
        X, Y, B, g = leaf(4, 3), leaf(5, 3), leaf(5, 1), leaf(1)
        formula = "Sum(exp(-p3 |x0 - y1|^2) y2)"
        x, y = f"argument 0 (x0, Vi<0, 3>) of {formula}: ", f"argument 1 (y1, Vj<1, 3>) of {formula}: "
        b, p = f"argument 2 (y2, Vj<2, 1>) of {formula}: ", f"argument 3 (p3, Pm<3, 1>) of {formula}: "
        for error, sentence, arguments in [
            (ValueError, f"{formula}: 3 arguments were given, a call takes 4, one for each position of the formula's variables", (X, Y, B)),
            (ValueError, x + "rows of dimension 2 were given, 3 are needed", (X[:, :2], Y, B, g)),
            (ValueError, x + "4 numbers are no whole number of rows of dimension 3", (X[:, 0], Y, B, g)),
            (ValueError, b + "4 rows were given, argument 1 has 5", (X, Y, B[1:], g)),
            (ValueError, p + "2 numbers were given, a parameter has 1", (X, Y, B, leaf(2))),
            (ValueError, y + "numbers of float were given, double is needed", (X, Y.float(), B, g)),
            (ValueError, p + "numbers of double were given, float is needed", (X.float(), Y.float(), B.float(), g)),
            (ValueError, y + "numbers of std::int64_t were given, double is needed", (X, Y.long(), B, g)),
            (ValueError, x + "numbers of PyTorch's type Half were given, float or double is needed", (X.half(), Y.half(), B.half(), 1)),
            (TypeError, b + "numbers of PyTorch's type ComplexDouble were given, which are none of kernfold's", (X, Y, B.to(torch.complex128), g)),
            (TypeError, f"argument 1 of {formula}: a list was given, a tensor of PyTorch or a number is needed", (X, Y.tolist(), B, g)),
            (ValueError, b + "a number was given, which only a parameter can be: give an array of one row for each j", (X, Y, 1.0, g)),
            (ValueError, y + "a tensor on meta was given, argument 0 is on cpu", (X, Y.to("meta"), B, g)),
            (ValueError, x + "a tensor on meta was given: kernfold computes on cpu and cuda", (X.to("meta"), Y.to("meta"), B.to("meta"), 1)),
            (ValueError, y + "a tensor of layout Sparse was given, one of strides is needed", (X, Y.to_sparse(), B, g)),
            (ValueError, b + "batch extents 3 were given, those of the arguments before it are 2: extents agree, counted from the last, or are 1", (leaf(2, 4, 3), Y, leaf(3, 5, 1), g)),
            (ValueError, x + "a tensor of 11 extents was given: at most 8 come before rows and components", (leaf(*[1] * 9, 4, 3), Y, B, g)),
        ]:
            with self.subTest(sentence):
                self.refuses(error, sentence, kernels.gauss, *arguments)

    def test_of_other_functions(self):
        X, Y = leaf(4, 3), leaf(5, 3)
        once = "argument 0 (x0, Vi<0, 3>) of Sum(|x0 - y1|^2): "
        self.refuses(ValueError, once + "numbers of PyTorch's type Double were given, float is needed", kernels.once, X, Y)
        softmax = kernels.softmax.__doc__.splitlines()[-1]
        self.refuses(ValueError, f"argument 2 (y2, Vj<2, 2>) of {softmax}: 5 numbers are no whole number of rows of dimension 2", kernels.softmax, X, Y, leaf(5))
        labelled = kernels.labelled.__doc__.splitlines()[-1]
        rows, columns = torch.zeros(4, dtype=torch.int64), torch.zeros(5, dtype=torch.int32)
        self.refuses(ValueError, f"argument 3 (y3, Vj<3, 1>) of {labelled}: numbers of std::int32_t were given, std::int64_t is needed", kernels.labelled, X, Y, rows, columns)
        numbers = kernels.numbers.__doc__.splitlines()[-1]
        self.refuses(ValueError, f"column_index of {numbers} has no extent: no array has a row for each j; give it by .columns(count) before the call", kernels.numbers, 1.0, rows=3)

    def test_they_leave_derivatives_alone(self):
        X, Y, B = leaf(4, 3), leaf(5, 3), leaf(5, 1)
        with self.assertRaises(ValueError):
            kernels.gauss(X, Y, B[1:], 0.5)
        kernels.gauss(X, Y, B, 0.5).sum().backward()
        torch.testing.assert_close(B.grad, grad(gauss(X, Y, B, 0.5).sum(), B)[0])


unittest.main()
