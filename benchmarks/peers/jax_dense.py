"""JAX, the matrix of all pairs in chunks of rows, each jitted. JAX shows no CUDA events: the clock, around work that is waited for."""
import os
import time

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import jax
import jax.numpy as jnp

import workloads

CHUNK_BYTES = 1 << 30  # of one matrix of pairs


def product(a, b):
    return jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)


def square_distances(x, y):
    return (x * x).sum(1, keepdims=True) + (y * y).sum(1) - 2 * product(x, y.T)


def chunk_function(name):
    """f(rows of x, y, b, rows of e) -> rows of the result."""
    scale = workloads.width_of(name) ** 2
    kernel = lambda x, y: jnp.exp(-scale * square_distances(x, y))
    if name == "attention_64":
        return lambda q, k, v, _: product(jax.nn.softmax(product(q, k.T) / 8, axis=1), v)
    if name == "gradient":
        def gradient(x, y, b, e):
            k = kernel(x, y) * b
            return -2 * scale * e[:, None] * (x * k.sum(1, keepdims=True) - product(k, y))
        return gradient
    if name == "logsumexp":
        return lambda x, y, b, e: jax.scipy.special.logsumexp(-scale * square_distances(x, y), axis=1)
    if name == "argkmin10":
        return lambda x, y, b, e: jax.lax.top_k(-square_distances(x, y), 10)[1]
    if name == "argmin":
        return lambda x, y, b, e: jnp.argmin(square_distances(x, y), axis=1)
    return lambda x, y, b, e: product(kernel(x, y), b)


def prepare(name, arrays):
    x, y, b = (jnp.asarray(a) for a in arrays[:3])
    e = jnp.asarray(arrays[3]) if len(arrays) > 3 else jnp.zeros(x.shape[0])
    rows = workloads.rows_per_chunk(x.shape[0], y.shape[0], CHUNK_BYTES)
    of_chunk = jax.jit(chunk_function(name))

    def run(count):
        for _ in range(workloads.WORKLOADS[name][3]):
            parts = [of_chunk(x[at:at + rows], y, b, e[at:at + rows]) for at in range(0, count, rows)]
        return jnp.concatenate(parts).block_until_ready()

    return run, rows


def timer(work):
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


if __name__ == "__main__":
    devices = [d for d in jax.devices() if d.platform in ("gpu", "cuda")]
    if not devices:
        raise SystemExit("jax: it sees no GPU")
    workloads.main("jax", jax.__version__, devices[0].device_kind, prepare, timer)
