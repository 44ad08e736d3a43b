"""Coppice beside XGBoost behind Python servers: one model, the same requests, on one machine with the load.

    run.py [--cases single,batch] [--subjects coppice,...] [--seconds 5] [--out serve.json]

Throughput comes from a closed load (every connection sends when it has its answer), latencies from an open one, at
given rates and at half of what each server can do: `load.cpp`. XGBoost trains the model; a server counts only when its
answers are XGBoost's. Tables: `bench/compare/run.py tables bench/results/serve.json`.
"""

import argparse
import contextlib
import importlib.util
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "bench" / "compare"))

import processes  # noqa: E402
import run as compare  # noqa: E402

COLUMNS = 30
TREES, DEPTH = 100, 6
TRAINING_ROWS = 20_000
CASES = {"single": 1, "batch": 500}  # rows of a request
# Requests a second at which every server that can is measured: what the Python servers take with ease, half of what
# they can do at most, and more.
RATES = {"single": (500, 1_500, 30_000), "batch": (50, 120, 1_000)}
HIGHEST_SHARE = 0.9  # of what a server can do at most; at a higher rate the queue is what is measured
WORKERS = len(os.sched_getaffinity(0))
ECHO = "coppice_bench_echo"  # echo.cpp: an empty server, which bounds all others
PACKAGES = {"coppice": (), ECHO: (), "fastapi + uvicorn": ("fastapi", "uvicorn"),
            "flask + gunicorn": ("flask", "gunicorn", "gevent")}
START_SECONDS = 60


def command(subject, build, model, port):
    """How a server is started, its workers as many as there are cores."""
    if subject == "coppice":
        return [build / "coppice", "serve", "--model", model, "--port", port]
    if subject == ECHO:
        return [build / ECHO, "--port", port, "--threads", WORKERS]
    if subject == "fastapi + uvicorn":
        return [sys.executable, "-m", "uvicorn", "--factory", "peers:fastapi_app", "--app-dir", HERE, "--port", port,
                "--workers", WORKERS, "--log-level", "error", "--no-access-log"]
    return [sys.executable, "-m", "gunicorn", "--chdir", HERE, "--worker-class", "gevent", "--workers", WORKERS,
            "--keep-alive", "60", "--bind", f"127.0.0.1:{port}", "--log-level", "error", "peers:flask_app()"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def post(port, body):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "text/csv"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


@contextlib.contextmanager
def running(subject, build, model):
    """Port of a server that answers. Errors: processes.Failed; processes.Skipped when it is not installed."""
    for package in PACKAGES[subject]:
        if importlib.util.find_spec(package) is None:
            raise processes.Skipped(f"{package} is not installed")
    port = free_port()
    words = [str(word) for word in command(subject, build, model, port)]
    environment = {**os.environ, "MODEL": str(model), "OMP_NUM_THREADS": "1"}
    with (tempfile.TemporaryFile("w+") as log,
          subprocess.Popen(words, env=environment, stdout=log, stderr=log) as server):
        try:
            if not answers(server, port):
                log.seek(0)
                raise processes.Failed(f"does not answer: {log.read().strip()[-300:]}")
            yield port
        finally:
            server.terminate()


def answers(server, port):
    """Whether the process answers before it ends, and within START_SECONDS."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=1):
            return True
        time.sleep(0.05)
    return False


class Contest:
    """One model and its requests, in a folder."""

    def __init__(self, folder, build):
        import xgboost

        self.build = build
        self.folder = folder
        self.model = folder / "model.json"
        random = np.random.default_rng(7)
        values = random.normal(size=(TRAINING_ROWS, COLUMNS)).astype(np.float32)
        labels = values[:, 0] * values[:, 1] + values[:, 2] + random.normal(size=TRAINING_ROWS) > 1
        model = xgboost.train({"objective": "binary:logistic", "max_depth": DEPTH, "nthread": WORKERS},
                              xgboost.DMatrix(values, labels), TREES)
        model.save_model(self.model)
        self.expected = {}
        for case, n_rows in CASES.items():
            rows = random.normal(size=(n_rows, COLUMNS))
            text = "".join(",".join(repr(float(value)) for value in row) + "\n" for row in rows)
            self.body(case).write_text(text)
            self.expected[case] = model.inplace_predict(rows.astype(np.float32))

    def body(self, case):
        return self.folder / f"{case}.csv"

    def check(self, case, port):
        scores = np.array(post(port, self.body(case).read_bytes()).split(), np.float32)
        # The last bits of XGBoost's exp are the C library's (docs/model_format.md).
        expected = self.expected[case]
        if scores.shape != expected.shape or not np.allclose(scores, expected, rtol=1e-6, atol=0):
            raise processes.Failed("the answers are not XGBoost's")

    def load(self, case, port, connections, rate, seconds):
        words = [self.build / "coppice_bench_load", self.body(case), "--port", port, "--connections", connections,
                 "--rate", rate, "--seconds", seconds, "--warm-up", min(1.0, seconds)]
        return json.loads(processes.run(words, 1, most_seconds=4 * seconds + 30))

    def measure(self, subject, case, connections, seconds):
        """One record for each of loads(case)."""
        with running(subject, self.build, self.model) as port:
            if subject != ECHO:
                self.check(case, port)
            closed = self.load(case, port, connections, 0, seconds)
            most = closed["requests_per_second"]
            records = [closed]
            for rate in RATES[case]:
                records.append(self.load(case, port, connections, rate, seconds) if rate < HIGHEST_SHARE * most
                               else {"skipped": f"takes {most:.0f} requests a second at most"})
            records.append(self.load(case, port, connections, most / 2, seconds))
        return records


def loads(case):
    return ["closed", *(f"{rate} a second" for rate in RATES[case]), "half of the most"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release",
                        help="CMake build folder of Coppice (default: build/release)")
    parser.add_argument("--cases", help=f"some only: {','.join(CASES)}")
    parser.add_argument("--subjects", help=f"some only: {','.join(PACKAGES)}")
    parser.add_argument("--seconds", type=float, default=5, help="time of each load")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "bench" / "results" / "serve.json")
    arguments = parser.parse_args()
    for name in ("coppice", "coppice_bench_load", ECHO):
        compare.program(arguments, name)
    results = compare.Results("serve", argparse.Namespace(threads=WORKERS, **vars(arguments)))
    with tempfile.TemporaryDirectory() as folder:
        contest = Contest(pathlib.Path(folder), arguments.build)
        for repeat in range(arguments.repeats):  # subjects alternate: what disturbs the machine hits all
            for case in compare.chosen(arguments.cases, CASES):
                for subject in compare.chosen(arguments.subjects, PACKAGES):
                    keys = [{"case": case, "rows": CASES[case], "subject": subject, "load": load, "repeat": repeat}
                            for load in loads(case)]
                    results.measure(keys, lambda: contest.measure(subject, case, arguments.connections,
                                                                  arguments.seconds))


if __name__ == "__main__":
    main()
