"""Programs that are measured run in processes of their own, so that one that crashes stops nobody else."""

import contextlib
import os
import signal
import subprocess
import sys


class Failed(Exception):
    """A program that did not end well; the message is the last thing that it said."""

    kind = "failed"


class Skipped(Failed):
    """A program that was not run, or not to its end, because it needs more than there is; the message says why."""

    kind = "skipped"


def _last_words(done):
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    how = f"signal {signal.Signals(-done.returncode).name}" if done.returncode < 0 else f"exit code {done.returncode}"
    return f"{how}: {said[-1]}" if said else how


def run(command, threads, most_seconds=None):
    """Standard output of a program. Errors: Failed; Skipped when it takes longer than `most_seconds`."""
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                              timeout=most_seconds, env={**os.environ, "OMP_NUM_THREADS": str(threads)})
    except subprocess.TimeoutExpired as expired:
        raise Skipped(f"takes more than {most_seconds:g} s") from expired
    if done.returncode != 0:
        raise Failed(_last_words(done))
    return done.stdout


def use_cores(count):
    """Keeps this process, and those that it starts, on some cores: these."""
    cores = sorted(os.sched_getaffinity(0))[:count]
    os.sched_setaffinity(0, cores)
    return cores


_SPIN = """
import os, sys
os.sched_setaffinity(0, [int(sys.argv[1])])
print(flush=True)
while True:
    pass
"""


@contextlib.contextmanager
def spinning(core):
    """Another process, which is given, uses a core all the time."""
    with subprocess.Popen([sys.executable, "-c", _SPIN, str(core)], stdout=subprocess.PIPE) as spinner:
        try:
            spinner.stdout.readline()  # it is there now
            yield spinner
        finally:
            spinner.kill()
