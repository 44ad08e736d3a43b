"""Programs that are measured run in processes of their own, so that one that crashes stops nobody else."""

import os
import signal
import subprocess


class Failed(Exception):
    """A program that did not end well; the message is the last thing that it said."""


def _last_words(done):
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    how = f"signal {signal.Signals(-done.returncode).name}" if done.returncode < 0 else f"exit code {done.returncode}"
    return f"{how}: {said[-1]}" if said else how


def run(command, threads):
    """Standard output of a program. Errors: Failed."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                          env={**os.environ, "OMP_NUM_THREADS": str(threads)})
    if done.returncode != 0:
        raise Failed(_last_words(done))
    return done.stdout
