"""PyTorch, the matrix of all pairs in chunks of rows; with --compiled, each chunk by torch.compile."""
import sys

import torch

import workloads

CHUNK_BYTES = 2 << 30  # of one matrix of pairs


def square_distances(x, y):
    return (x * x).sum(1, keepdim=True) + (y * y).sum(1) - 2 * x @ y.T


def kernel(x, y, width):
    return torch.exp(-(width * width) * square_distances(x, y))


def chunk_function(name):
    """f(rows of x, y, b, rows of e) -> rows of the result."""
    width = workloads.width_of(name)
    if name == "gradient":
        def gradient(x, y, b, e):
            k = kernel(x, y, width) * b
            return -2 * width * width * e[:, None] * (x * k.sum(1, keepdim=True) - k @ y)
        return gradient
    if name == "logsumexp":
        return lambda x, y, b, e: torch.logsumexp(-(width * width) * square_distances(x, y), 1)
    if name == "argkmin10":
        return lambda x, y, b, e: torch.topk(square_distances(x, y), 10, 1, largest=False).indices
    if name == "argmin":
        return lambda x, y, b, e: torch.argmin(square_distances(x, y), 1)
    return lambda x, y, b, e: kernel(x, y, width) @ b


def timer(work):
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    work()
    end.record()
    end.synchronize()
    return 1e-3 * begin.elapsed_time(end)


class device_result:
    """Read back only when numpy asks."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __array__(self, dtype=None, copy=None):
        return self.tensor.detach().cpu().numpy()


def prepare_with(compiled):
    def prepare(name, arrays):
        tensors = [torch.from_numpy(a).cuda() for a in arrays]
        calls = workloads.WORKLOADS[name][3]
        if name == "attention_64":
            q, k, v = (t[None, None] for t in tensors)
            attend = torch.nn.functional.scaled_dot_product_attention
            if compiled:
                attend = torch.compile(lambda q, k, v: torch.softmax(q @ k.transpose(-1, -2) / 8, -1) @ v)
            return lambda count: device_result(attend(q[:, :, :count], k, v)[0, 0]), None
        x, y, b, e = tensors
        of_chunk = chunk_function(name)
        if compiled:
            of_chunk = torch.compile(of_chunk, dynamic=False)
        rows = workloads.rows_per_chunk(x.shape[0], y.shape[0], CHUNK_BYTES)

        def run(count):
            for _ in range(calls):
                parts = [of_chunk(x[at:at + rows], y, b, e[at:at + rows]) for at in range(0, count, rows)]
            return device_result(torch.cat(parts))

        return run, rows

    return prepare


if __name__ == "__main__":
    compiled = "--compiled" in sys.argv
    if compiled:
        sys.argv.remove("--compiled")
    torch.backends.cuda.matmul.allow_tf32 = False
    with torch.no_grad():
        workloads.main("torch.compile" if compiled else "torch", torch.__version__, torch.cuda.get_device_name(),
                       prepare_with(compiled), timer)
