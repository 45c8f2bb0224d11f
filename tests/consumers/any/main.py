"""main.py LIBRARY: Python calls a reduction through ctypes alone."""
import ctypes
import math
import sys


class Array(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("rows", ctypes.c_int64), ("dim", ctypes.c_int64),
                ("row_stride", ctypes.c_int64), ("col_stride", ctypes.c_int64), ("element", ctypes.c_int32)]


FLOAT, DOUBLE = 0, 1


def array(numbers, dim, element=FLOAT):
    return Array(ctypes.cast(numbers, ctypes.c_void_p), len(numbers) // dim, dim, dim, 1, element)


def floats(numbers):
    return (ctypes.c_float * len(numbers))(*numbers)


library = ctypes.CDLL(sys.argv[1])
library.gauss.argtypes = [Array, ctypes.POINTER(Array), ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t]


def gauss(result, *arguments):
    message = ctypes.create_string_buffer(256)
    status = library.gauss(result, (Array * len(arguments))(*arguments), len(arguments), message, len(message))
    return status, message.value.decode()


rows, columns, g = 37, 53, 0.5
X = floats([k * 7 % 11 / 8 for k in range(3 * rows)])
Y = floats([k * 5 % 13 / 8 for k in range(3 * columns)])
B = floats([k % 3 + 1 for k in range(columns)])
a = floats([0] * rows)
arguments = [array(X, 3), array(Y, 3), array(B, 1), array(floats([g]), 1)]
assert gauss(array(a, 1), *arguments) == (0, "")
for i in range(rows):
    distance = [sum((X[3 * i + k] - Y[3 * j + k]) ** 2 for k in range(3)) for j in range(columns)]
    assert abs(a[i] - sum(math.exp(-g * d) * b for d, b in zip(distance, B))) < 1e-4, i
assert gauss(array(a, 1), *arguments[:3]) == (1, "Sum(exp(-p3 |x0 - y1|^2) y2): 3 arguments were given, a call takes 4, "
                                                 "one for each position of the formula's variables")
print("right")
