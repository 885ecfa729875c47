"""Code that hangs is interrupted, and alarms of others are left alone."""

import os
import signal
import sys
import threading
import time

import pytest

from rlmonitor.errors import TimeLimitError
from rlmonitor.time_limit import time_limit


def asleep():
    time.sleep(60)


def busy():
    while True:
        pass


def stubborn():
    """Swallows whatever is raised, once."""
    try:
        time.sleep(60)
    except BaseException:
        time.sleep(60)


@pytest.mark.parametrize("hang", [asleep, busy, stubborn])
def test_what_hangs_is_given_up_in_a_sentence(hang):
    before, began = signal.getsignal(signal.SIGALRM), time.monotonic()
    said = r"the env took longer than time_limit=0.1 seconds"
    with pytest.raises(TimeLimitError, match=said), time_limit(0.1, "the env"):
        hang()
    assert time.monotonic() - began < 10
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_what_is_quick_is_left_alone():
    with time_limit(0.05, "the env"):
        pass
    time.sleep(0.1)
    with pytest.raises(KeyError), time_limit(5, "the env"):
        raise KeyError


def test_an_alarm_of_somebody_else_keeps_its_time():
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(time.monotonic()))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with time_limit(0.05, "the env"):
            time.sleep(0.4)
        assert len(rung) == 1
    finally:
        signal.signal(signal.SIGALRM, before)


def test_other_threads_have_no_limit():
    done = []

    def work():
        with time_limit(0.01, "the env"):
            time.sleep(0.05)
        done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done


def test_none_is_no_limit():
    with time_limit(None, "the env"):
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_an_alarm_at_the_very_end_leaves_no_other_one_on():
    """What goes on after the limit is somebody's training."""
    before, rung = signal.getsignal(signal.SIGALRM), []

    def ring(frame, event, _):
        """At the first line that runs when the limited code has ended."""
        if event == "line" and not rung:
            rung.append(frame.f_lineno)
            os.kill(os.getpid(), signal.SIGALRM)
        return ring

    limit = time_limit(60, "the env")
    limit.__enter__()
    limit.gen.gi_frame.f_trace = ring
    sys.settrace(lambda *_: None)
    try:
        with pytest.raises(TimeLimitError):
            limit.__exit__(None, None, None)
    finally:
        sys.settrace(None)
    assert rung
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is before
