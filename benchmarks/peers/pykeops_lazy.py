"""PyKeOps by LazyTensors on PyTorch's tensors."""
import pykeops
import torch
from pykeops.torch import LazyTensor

import workloads
from torch_dense import device_result, timer


def reduction(name, x, y, b):
    """The workload's result for rows x, as a user of LazyTensor writes it."""
    x_i, y_j = LazyTensor(x[:, None, :]), LazyTensor(y[None, :, :])
    if name == "attention_64":
        return ((x_i | y_j) / 8).sumsoftmaxweight(LazyTensor(b[None, :, :]), dim=1)
    distances = ((x_i - y_j) ** 2).sum(-1)
    if name == "argmin":
        return distances.argmin(dim=1)
    if name == "argkmin10":
        return distances.argKmin(10, dim=1)
    exponents = -distances * workloads.width_of(name) ** 2
    if name == "logsumexp":
        return exponents.logsumexp(dim=1)
    return (exponents.exp() * LazyTensor(b[None, :, None])).sum(dim=1)


def prepare(name, arrays):
    tensors = [torch.from_numpy(a).cuda() for a in arrays]
    x, y, b = tensors[:3]
    if name == "gradient":
        x.requires_grad_()
        value = reduction("gaussian", x, y, b)
        along = tensors[3].reshape(value.shape)
        return lambda count: device_result(torch.autograd.grad(value, [x], along, retain_graph=True)[0]), None

    def run(count):
        for _ in range(workloads.WORKLOADS[name][3]):
            result = reduction(name, x, y, b)
        return device_result(result)

    return run, None


if __name__ == "__main__":
    workloads.main("pykeops", pykeops.__version__, torch.cuda.get_device_name(), prepare, timer)
