"""Coppice beside XGBoost behind Python servers: one model, the same requests, on one machine with the load.

    run.py [--cases single,batch] [--transports tcp,unix] [--subjects coppice,...] [--seconds 5] [--out serve.json]

Throughput comes from a closed load (every connection sends when it has its answer), latencies from an open one, at
given rates and at half of what each server can do: `load.cpp`. Each server listens on a port of this machine, and in
another run on a unix socket, where the kernel's TCP is out of the way. XGBoost trains the model; a server counts only
when its answers are XGBoost's. Tables: `bench/compare/run.py tables bench/results/serve.json`.
"""

import argparse
import contextlib
import http.client
import importlib.util
import itertools
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

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
TRANSPORTS = ("tcp", "unix")
HIGHEST_SHARE = 0.9  # of what a server can do at most; at a higher rate the queue is what is measured
WORKERS = len(os.sched_getaffinity(0))
ECHO = "coppice_bench_echo"  # echo.cpp: an empty server, which bounds all others
PACKAGES = {"coppice": (), ECHO: (), "fastapi + uvicorn": ("fastapi", "uvicorn"),
            "flask + gunicorn": ("flask", "gunicorn", "gevent")}
START_SECONDS = 60


def listening(place, path_option="--unix"):
    """Options of a program for its place: a port, or the path of a socket."""
    return ["--port", place] if isinstance(place, int) else [path_option, place]


def command(subject, build, model, place):
    """How a server is started, its workers as many as there are cores."""
    if subject == "coppice":
        return [build / "coppice", "serve", "--model", model, *listening(place)]
    if subject == ECHO:
        return [build / ECHO, "--threads", WORKERS, *listening(place)]
    if subject == "fastapi + uvicorn":
        return [sys.executable, "-m", "uvicorn", "--factory", "peers:fastapi_app", "--app-dir", HERE,
                *listening(place, "--uds"), "--workers", WORKERS, "--log-level", "error", "--no-access-log"]
    bound = f"127.0.0.1:{place}" if isinstance(place, int) else f"unix:{place}"
    return [sys.executable, "-m", "gunicorn", "--chdir", HERE, "--worker-class", "gevent", "--workers", WORKERS,
            "--keep-alive", "60", "--bind", bound, "--log-level", "error", "peers:flask_app()"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(place, method, path, body=None, timeout=10):
    """The answer's body. Errors: processes.Failed without an answer, and for another status than 200."""
    is_port = isinstance(place, int)
    client = http.client.HTTPConnection("localhost")
    try:
        with socket.socket(socket.AF_INET if is_port else socket.AF_UNIX) as client.sock:
            client.sock.settimeout(timeout)
            client.sock.connect(("127.0.0.1", place) if is_port else str(place))
            client.request(method, path, body, {"Content-Type": "text/csv"})
            answer = client.getresponse()
            if answer.status != 200:
                raise processes.Failed(f"{path} is answered by {answer.status}")
            return answer.read().decode()
    except (OSError, http.client.HTTPException) as error:
        raise processes.Failed(f"{path} is not answered: {error}") from error


@contextlib.contextmanager
def running(subject, build, model, transport):
    """Place of a server that answers. Errors: processes.Failed; processes.Skipped when it is not installed."""
    for package in PACKAGES[subject]:
        if importlib.util.find_spec(package) is None:
            raise processes.Skipped(f"{package} is not installed")
    environment = {**os.environ, "MODEL": str(model), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as log:
        place = free_port() if transport == "tcp" else pathlib.Path(folder) / "socket"
        words = [str(word) for word in command(subject, build, model, place)]
        with subprocess.Popen(words, env=environment, stdout=log, stderr=log) as server:
            try:
                if not answers(server, place):
                    log.seek(0)
                    raise processes.Failed(f"does not answer: {log.read().strip()[-300:]}")
                yield place
            finally:
                server.terminate()


def answers(server, place):
    """Whether the process answers before it ends, and within START_SECONDS."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(processes.Failed):
            ask(place, "GET", "/ping", timeout=1)
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

    def check(self, case, place):
        answer = ask(place, "POST", "/invocations", self.body(case).read_bytes())
        scores = np.array(answer.split(), np.float32)
        # The last bits of XGBoost's exp are the C library's (docs/model_format.md).
        expected = self.expected[case]
        if scores.shape != expected.shape or not np.allclose(scores, expected, rtol=1e-6, atol=0):
            raise processes.Failed("the answers are not XGBoost's")

    def load(self, case, place, connections, rate, seconds):
        words = [self.build / "coppice_bench_load", self.body(case), *listening(place), "--connections", connections,
                 "--rate", rate, "--seconds", seconds, "--warm-up", min(1.0, seconds)]
        return json.loads(processes.run(words, 1, most_seconds=4 * seconds + 30))

    def measure(self, subject, case, transport, connections, seconds):
        """One record for each of loads(case)."""
        with running(subject, self.build, self.model, transport) as place:
            if subject != ECHO:
                self.check(case, place)
            closed = self.load(case, place, connections, 0, seconds)
            most = closed["requests_per_second"]
            records = [closed]
            for rate in RATES[case]:
                records.append(self.load(case, place, connections, rate, seconds) if rate < HIGHEST_SHARE * most
                               else {"skipped": f"takes {most:.0f} requests a second at most"})
            records.append(self.load(case, place, connections, most / 2, seconds))
        return records


def loads(case):
    return ["closed", *(f"{rate} a second" for rate in RATES[case]), "half of the most"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release",
                        help="CMake build folder of Coppice (default: build/release)")
    parser.add_argument("--cases", help=f"some only: {','.join(CASES)}")
    parser.add_argument("--transports", help=f"some only: {','.join(TRANSPORTS)}")
    parser.add_argument("--subjects", help=f"some only: {','.join(PACKAGES)}")
    parser.add_argument("--seconds", type=float, default=5, help="time of each load")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "bench" / "results" / "serve.json")
    arguments = parser.parse_args()
    cases = compare.chosen(arguments.cases, CASES)
    transports = compare.chosen(arguments.transports, TRANSPORTS)
    subjects = compare.chosen(arguments.subjects, PACKAGES)
    for name in ("coppice", "coppice_bench_load", ECHO):
        compare.program(arguments, name)
    results = compare.Results("serve", argparse.Namespace(threads=WORKERS, **vars(arguments)))
    with tempfile.TemporaryDirectory() as folder:
        contest = Contest(pathlib.Path(folder), arguments.build)
        for repeat in range(arguments.repeats):  # subjects alternate: what disturbs the machine hits all
            for case, transport, subject in itertools.product(cases, transports, subjects):
                keys = [{"case": case, "rows": CASES[case], "transport": transport, "subject": subject, "load": load,
                         "repeat": repeat} for load in loads(case)]
                results.measure(keys, lambda: contest.measure(subject, case, transport, arguments.connections,
                                                              arguments.seconds))


if __name__ == "__main__":
    main()
