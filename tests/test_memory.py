import os
import platform
import subprocess
import sys

import pytest

FAULTS = """
import ctypes, resource, threading
import numpy as np
from rlmonitor.memory import reuse_memory

ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)  # no huge pages: where there are some, one fault is 2 MiB

{before}

def faults():
    began = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    for _ in range(8):
        np.ones(8 << 20, np.uint8)
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - began

def in_a_thread():
    faults()
    print(faults())

thread = threading.Thread(target=in_a_thread)
thread.start()
thread.join()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's malloc is told")
@pytest.mark.parametrize(("before", "reused"), [("", False), ("reuse_memory()", True)])
def test_freed_memory_is_used_again_where_dask_would_not(before, reused):
    environment = os.environ | {"MALLOC_TRIM_THRESHOLD_": "65536"}
    done = subprocess.run(
        [sys.executable, "-c", FAULTS.format(before=before)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    pages = 8 * (8 << 20) // os.sysconf("SC_PAGE_SIZE")
    assert (int(done.stdout) < pages / 20) == reused
