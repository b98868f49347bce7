"""Interleaved timing with a cold L2, by the rules of nsajit's own measurement (tuner/measure.h): every contender once a
round, in an order that rotates; the median, and a distribution-free 95 % interval of it.
"""

import ctypes
import math
import statistics
import time

import torch


def order_of_round(count, number):
    """The start moves by one every other round; odd rounds run backwards."""
    forward = [(number // 2 + place) % count for place in range(count)]
    return forward if number % 2 == 0 else [count - 1 - index for index in forward]


def summarize(samples):
    """Median and the interval between the order statistics that hold it with 95 %, as tuner/statistics.cpp."""
    ordered, count = sorted(samples), len(samples)
    below, rank = 0.0, 0
    for k in range(count):
        below += math.comb(count, k) / 2.0 ** count
        if below > 0.025:
            rank = max(k - 1, 0)
            break
    low, high, median = ordered[rank], ordered[count - 1 - rank], statistics.median(ordered)
    return {"median_ms": median, "low_ms": low, "high_ms": high,
            "spread_percent": 100 * (high - low) / (2 * median) if median > 0 else 0.0, "samples_ms": list(samples)}


class GpuClock:
    """Times callables on the GPU. The flush buffer is `flush_factor` times the L2; before a sample it is written often
    enough that the GPU is still busy when the host has queued the whole callable, so no host overhead is timed."""

    def __init__(self, flush_factor=1.25):
        self.l2_bytes = torch.cuda.get_device_properties(0).L2_cache_size
        self.set_flush(flush_factor)

    def set_flush(self, factor):
        self.flush = torch.zeros(max(int(self.l2_bytes * factor), 4) // 4, device="cuda", dtype=torch.int32)
        # The least of a few: the very first launch loads code.
        self.flush_ms = min(self._time(lambda: self.flush.fill_(1), before=lambda: self.flush.fill_(2)) for _ in range(5))
        # A fill shorter than its own launch keeps no GPU busy; CUDA queues about 1024 launches.
        self.most_fills = 1000 if self.flush_ms > 0.01 else 1
        self.host_ms = {}

    def _time(self, run, before):
        start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        before()
        start.record()
        run()
        stop.record()
        stop.synchronize()
        return start.elapsed_time(stop)

    def warm(self, run):
        """Runs once, then learns how long the host needs to queue it."""
        run()
        torch.cuda.synchronize()
        begin = time.perf_counter()
        run()
        self.host_ms[id(run)] = (time.perf_counter() - begin) * 1e3
        torch.cuda.synchronize()

    def sample(self, run):
        # Half as much again, since queueing the fills takes the host time as well.
        fills = min(1 + math.ceil(1.5 * self.host_ms.get(id(run), 0.1) / max(self.flush_ms, 1e-3)), self.most_fills)

        def flush():
            for value in range(fills):
                self.flush.fill_(value)

        return self._time(run, flush)


class HostClock:
    """The same for a CPU without cubins: wall time, no flush. For trying the script, not for figures."""

    def warm(self, run):
        run()

    def sample(self, run):
        begin = time.perf_counter()
        run()
        return (time.perf_counter() - begin) * 1e3


def time_alone(clock, run, rounds=3):
    clock.warm(run)
    return statistics.median(clock.sample(run) for _ in range(rounds))


def time_interleaved(clock, contenders, rounds, warmup=2):
    """`contenders` by name. Returns summaries by name."""
    names = list(contenders)
    samples = {name: [] for name in names}
    for name in names:
        clock.warm(contenders[name])
    for number in range(-warmup, rounds):
        for index in order_of_round(len(names), number):
            elapsed = clock.sample(contenders[names[index]])
            if number >= 0:
                samples[names[index]].append(elapsed)
    return {name: summarize(values) for name, values in samples.items()}


def read_clocks(busy=None):
    """SM and memory clock through NVML, while `busy` keeps the GPU at work; zeros where NVML is missing."""
    try:
        nvml, cuda = ctypes.CDLL("libnvidia-ml.so.1"), ctypes.CDLL("libcuda.so.1")
        bus, device, handle = ctypes.create_string_buffer(32), ctypes.c_int(), ctypes.c_void_p()
        cuda.cuCtxGetDevice(ctypes.byref(device))
        cuda.cuDeviceGetPCIBusId(bus, 32, device)
        nvml.nvmlInit_v2()
        if nvml.nvmlDeviceGetHandleByPciBusId_v2(bus, ctypes.byref(handle)) != 0:
            return {"sm_mhz": 0, "memory_mhz": 0}
        if busy is not None:
            busy()
        found = {}
        for name, kind in (("sm_mhz", 1), ("memory_mhz", 2)):
            value = ctypes.c_uint()
            found[name] = value.value if nvml.nvmlDeviceGetClockInfo(handle, kind, ctypes.byref(value)) == 0 else 0
        torch.cuda.synchronize()
        return found
    except OSError:
        return {"sm_mhz": 0, "memory_mhz": 0}


def driver_version():
    version = ctypes.c_int()
    ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(version))
    return f"{version.value // 1000}.{version.value % 1000 // 10}"
