"""Runs trainings in processes of their own and judges their test margins, the same way for every library."""

import json
import pathlib
import sys

import matrix
import numpy as np
import processes
from scipy.special import expit
from sklearn import metrics

HERE = pathlib.Path(__file__).parent


def parameters_of(subject, setting, regression, seed):
    objective = "reg:squarederror" if regression else "binary:logistic"
    return {**setting, "objective": objective, "seed": seed, **subject.changes}


def _run(command, threads, most_seconds):
    output = processes.run(command, threads, most_seconds)
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def _train_coppice(program, subject, job, threads, most_seconds):
    command = [program, job["train"], "--test", job["test"], "--margins", job["margins"], "--threads", threads]
    if subject.variant == "rows":
        command.append("--from-rows")
    command += [f"{key}={value}" for key, value in job["parameters"].items()]
    return _run(command, threads, most_seconds)[0]


def _train_peer(subject, jobs, threads, most_seconds):
    request = pathlib.Path(jobs[0]["margins"]).with_suffix(".json")
    request.write_text(json.dumps({"engine": subject.engine, "variant": subject.variant, "threads": threads,
                                   "jobs": jobs}))
    return _run([sys.executable, HERE / "peers.py", request], threads, most_seconds)


def train(program, subject, jobs, threads, regression=False, most_seconds=None):
    """One record for each job: test metrics, seconds, memory, and what the library tells beside them.

    Errors: processes.Failed; processes.Skipped when a process takes longer than `most_seconds`, loading included.
    """
    if subject.engine == "coppice":
        records = [_train_coppice(program, subject, job, threads, most_seconds) for job in jobs]
    else:
        records = _train_peer(subject, jobs, threads, most_seconds)
    return [{"metrics": _judge(job["test"], job["margins"], regression), **record}
            for job, record in zip(jobs, records, strict=True)]


def _judge(test_matrix, margins_file, regression):
    """Test metrics by scikit-learn."""
    _, _, labels = matrix.read(test_matrix)
    margins = np.fromfile(margins_file, np.float32).astype(np.float64)
    if regression:
        return {"rmse": float(metrics.root_mean_squared_error(labels, margins))}
    return {"ap": float(metrics.average_precision_score(labels, margins)),
            "auc": float(metrics.roc_auc_score(labels, margins)),
            "logloss": float(metrics.log_loss(labels, expit(margins)))}
