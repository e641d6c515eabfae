"""Rows shared among eight simulated devices: the same optimum as on one."""

import json
import os
import subprocess
import sys

import numpy as np

SCRIPT = """
import json
import jax
import numpy as np
from mixstat import Blocks, MixtureOfExperts
from mixstat.objective import reduction

random = np.random.default_rng(0)
x = random.uniform(-1, 1, 100_000)
y = np.where(random.random(len(x)) < 0.4, 1 + 2 * x, -x) + 0.4 * random.standard_normal(len(x))
blocks = Blocks.of_arrays(x[:, None], y, rows=70_000, sample=5_000)
on_devices, passes = reduction._on_devices, []


def counted(*args, **settings):
    passes.append(settings["mesh"].size)
    return on_devices(*args, **settings)


reduction._on_devices = counted
fits = [MixtureOfExperts(2, random_state=0).fit(blocks)]
n_shared = len(passes)
reduction._devices_for = lambda chunks: 1
fits.append(MixtureOfExperts(2, random_state=0).fit(blocks))
assert n_shared == len(passes) > 4, passes
print(json.dumps({
    "devices": jax.local_device_count(),
    "shares": sorted(set(passes)),
    "params": [one.params.tolist() for one in fits],
    "errors": [one.cov_params().tolist() for one in fits],
    "converged": [one.converged_ for one in fits],
}))
"""


def test_eight_devices_find_the_optimum_of_one():
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["devices"] == 8
    assert told["shares"][-1] == 8
    assert told["converged"] == [True, True]
    assert largest(told["params"]) < 1e-10
    assert largest([np.ravel(one) for one in told["errors"]]) < 1e-10


def largest(pair):
    return max(abs(one - other) for one, other in zip(*pair, strict=True))
