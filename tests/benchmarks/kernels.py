"""A table of single passes over the data beside the least that the machine must do for them."""

from . import workloads
from .floors import STATED, Machine, work
from .harness import Worker
from .text import Table, number

KERNELS = ("log_likelihood", "gradient", "em_step", "hessian")
SIZES = ((1_000_000, 1, 3), (50_000, 50, 8))
GPU_SIZES = tuple((10**power, 1, 3) for power in (4, 5, 6, 7))
PRECISIONS = ("float64", "float32")
ROUNDS = 5
BUSY = 0.1  # seconds that a round should last; short kernels are called many times in it


def truth(n: int, d: int, k: int) -> workloads.Truth:
    """Parameters of the data for kernels, at which they are evaluated."""
    if d == 1:
        return workloads.ONE_INPUT[k]
    return workloads.random_truth(workloads.Spec(n, d, k), seed=3)


def show(device: str) -> None:
    """Print the table of one device."""
    if device == "gpu":
        _show_gpu()
        return
    with Worker() as worker:
        core = Machine(*(worker.ask("measure_machine")[field] for field in Machine._fields))
    table = Table(
        f"Kernels, seconds of a call on one core (best of {ROUNDS})",
        (
            *(("rows", 8), ("inputs", 6), ("experts", 7), ("kernel", 14), ("rows in", 8)),
            *(("CPU s", 8), ("GB/s", 5), ("GFLOP/s", 7), ("floor", 8)),
            *(("times it", 8), ("times that of today", 19)),
        ),
    )
    for size in SIZES:
        for precision in PRECISIONS:
            with Worker() as worker:
                worker.ask("simulate", n=size[0], d=size[1], n_experts=size[2])
                for kernel in KERNELS:
                    cpu = best(worker, kernel, precision)
                    least = work(kernel, *size)
                    bytes_ = least.bytes * (0.5 if precision == "float32" else 1.0)
                    table.row(
                        *(*size, kernel, precision, number(cpu, 4), number(bytes_ / cpu / 1e9, 1)),
                        *(number(least.flops / cpu / 1e9, 1), number(least.floor(STATED), 4)),
                        *(number(cpu / least.floor(speed), 1) for speed in (STATED, core)),
                    )
    print(
        f"\nfloor: at {_told(STATED)};\nof today: at {_told(core)}, NumPy on this core in this run"
    )


def best(worker: Worker, kernel: str, precision: str = "float64", clock: str = "cpu") -> float:
    """Seconds of a call, of the quickest of several rounds."""
    worker.ask("compile", kernel=kernel, precision=precision)
    one = worker.ask("call", kernel=kernel, calls=1)
    calls = max(1, int(BUSY / one["wall"]))
    return min(worker.ask("call", kernel=kernel, calls=calls)[clock] for _ in range(ROUNDS))


def _told(speed: Machine) -> str:
    return (
        f"{speed.bandwidth / 1e9:.0f} GB/s, {speed.multiply / 1e9:.1f} GFLOP/s, "
        f"{speed.exp * 1e9:.2f} ns an exponential, {speed.log * 1e9:.2f} ns a logarithm"
    )


def _show_gpu() -> None:
    with Worker(platform="cuda") as worker:
        try:
            name = worker.ask("device")["name"]
        except RuntimeError:
            print("\nKernels on a GPU: no GPU here")
            return
    heads = ("rows", 9), ("rows in", 8), *((kernel, 14) for kernel in KERNELS)
    table = Table(f"Kernels on {name}, wall ms of a call (1 input, 3 experts; best)", heads)
    for size in GPU_SIZES:
        for precision in PRECISIONS:
            with Worker(platform="cuda") as worker:
                worker.ask("simulate", n=size[0], d=size[1], n_experts=size[2])
                each = [best(worker, kernel, precision, clock="wall") for kernel in KERNELS]
            table.row(size[0], precision, *(number(1e3 * wall, 3) for wall in each))
