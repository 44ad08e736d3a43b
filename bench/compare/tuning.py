"""Nine trials of a random search: `coppice tune` as a process, and the other libraries under Optuna.

    python tuning.py REQUEST.json

runs the trials of another library, in a process of its own. REQUEST holds engine, at_once, threads, seed, train and
test (matrix files). One JSON line is printed: seconds from the float32 matrices in memory to the last trial's AUC,
data construction included; the best validation AUC and its parameters.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

import cases
import processes

LABEL = "Class"  # the generator's last column


def write_tables(generator, data, parts):
    """CSV files of the rows that the matrix files `parts` hold: paths of training and validation."""
    paths = [path.with_suffix(".csv") for path in parts]
    command = [generator, "--rows", str(data.train_rows + data.test_rows), "--positives-share",
               str(data.positives_share), "--seed", str(data.seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process, open(paths[0], "wb") as train, \
            open(paths[1], "wb") as test:
        header = process.stdout.readline()
        train.write(header)
        test.write(header)
        for row, line in enumerate(process.stdout):
            (train if row < data.train_rows else test).write(line)
    if process.returncode != 0:
        raise RuntimeError(f"{generator}: exit code {process.returncode}")
    return paths


def fixed_parameters():
    setting = cases.SETTINGS[cases.TUNING_SETTING]
    return {key: value for key, value in setting.items() if key not in cases.TUNING_RANGES}


def _coppice_command(program, subject, tables, threads, seed, folder):
    ranges = [word for name, (low, high) in cases.TUNING_RANGES.items() for word in ("--range", f"{name}={low}:{high}")]
    parameters = [word for key, value in fixed_parameters().items() for word in ("--param", f"{key}={value}")]
    return [program, "tune", "--train", tables[0], "--valid", tables[1], "--label", LABEL, *ranges, *parameters,
            "--objective", "validation:auc", "--trials", cases.TUNING_TRIALS, "--parallel", subject.at_once,
            "--threads", threads, "--seed", seed, "--out", folder, "--log-period", 0, "--json"]


def _peer_command(subject, parts, threads, seed, folder):
    request = pathlib.Path(folder) / "request.json"
    request.write_text(json.dumps({"engine": subject.engine, "at_once": subject.at_once, "threads": threads,
                                   "seed": seed, "train": str(parts[0]), "test": str(parts[1])}))
    return [sys.executable, __file__, request]


def measure(text, program, parts, tables, threads, seed):
    """Seconds and the best validation AUC of one search. Errors: processes.Failed."""
    subject = cases.TUNING_SUBJECTS[text]
    with tempfile.TemporaryDirectory(dir=parts[0].parent) as folder:
        is_coppice = subject.engine == "coppice"
        command = (_coppice_command(program, subject, tables, threads, seed, folder) if is_coppice
                   else _peer_command(subject, parts, threads, seed, folder))
        start = time.perf_counter()
        output = processes.run(command, threads)
        process_seconds = time.perf_counter() - start
    told = json.loads(output.splitlines()[-1])
    best = told["best"]
    return {"metrics": {"auc": best["score"]}, "seconds": process_seconds if is_coppice else told["seconds"],
            "process_seconds": process_seconds, "best": best["parameters"]}


def _suggest(trial):
    return {name: (trial.suggest_int if name in cases.TUNING_INTEGERS else trial.suggest_float)(name, low, high)
            for name, (low, high) in cases.TUNING_RANGES.items()}


def search(request):
    """The trials of a library under Optuna."""
    import matrix
    import optuna
    import peers
    from sklearn.metrics import roc_auc_score

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    engine, at_once = request["engine"], request["at_once"]

    def peer_of(parameters):
        fixed = {"objective": "binary:logistic", "seed": request["seed"], **fixed_parameters()}
        return peers.PEERS[engine]({**fixed, **parameters}, max(1, request["threads"] // at_once), "")

    first = peer_of({"learning_rate": 0.1, "min_child_weight": 1, "reg_alpha": 0, "max_depth": 6})
    peers.warm_up(first)
    values, n_categories, labels = matrix.read(request["train"])
    test_values, _, test_labels = matrix.read(request["test"])
    start = time.perf_counter()
    data = first.construct(first.prepare(values, n_categories), labels)
    if not first.bins_first:
        data.quantize(border_count=first.parameters["border_count"])
    test = first.to_score(first.prepare(test_values, n_categories))

    def objective(trial):
        peer = peer_of(_suggest(trial))
        return roc_auc_score(test_labels, peer.margins(peer.train(data), test))

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(request["seed"]))
    study.optimize(objective, n_trials=cases.TUNING_TRIALS, n_jobs=at_once)
    return {"seconds": time.perf_counter() - start,
            "best": {"score": study.best_value, "parameters": study.best_params}}


if __name__ == "__main__":
    print(json.dumps(search(json.loads(pathlib.Path(sys.argv[1]).read_text()))))
