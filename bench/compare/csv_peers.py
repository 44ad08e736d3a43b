"""From a CSV file to a model file, as a whole process: start, imports, reading, training, saving.

    python csv_peers.py SUBJECT TABLE.csv MODEL THREADS

Prints one JSON line with the peak memory of the process.
"""

import json
import os
import pathlib
import sys
import tempfile
import time

import cases
import mapping
import processes

PARAMETERS = {"objective": "binary:logistic", "seed": 0, **cases.SETTINGS[cases.CSV_SETTING]}


def _train_xgboost(features, labels, threads, model):
    import xgboost

    mapped = mapping.xgboost(PARAMETERS, threads)
    data = xgboost.QuantileDMatrix(features, labels, max_bin=PARAMETERS["max_bin"], nthread=threads)
    xgboost.train(mapped, data, PARAMETERS["num_round"]).save_model(model)


def _pandas_xgboost(table, model, threads):
    import numpy as np
    import pandas as pd

    frame = pd.read_csv(table, dtype=np.float32)
    labels = frame.pop(cases.CSV_LABEL)
    _train_xgboost(frame, labels, threads, model)


def _polars_xgboost(table, model, threads):
    os.environ["POLARS_MAX_THREADS"] = str(threads)
    import polars as pl

    frame = pl.read_csv(table, schema_overrides=_float32_columns(table))
    _train_xgboost(frame.drop(cases.CSV_LABEL).to_numpy(), frame[cases.CSV_LABEL].to_numpy(), threads, model)


def _float32_columns(table):
    import polars as pl

    with open(table) as file:
        return dict.fromkeys(file.readline().rstrip("\n").split(","), pl.Float32)


def _lightgbm_from_file(table, model, threads):
    import lightgbm

    mapped = mapping.lightgbm(PARAMETERS, threads)
    data = lightgbm.Dataset(str(table), params={**mapped, "header": True, "label_column": f"name:{cases.CSV_LABEL}"})
    lightgbm.train(mapped, data, PARAMETERS["num_round"]).save_model(model)


CSV_PEERS = {
    "pandas + xgboost": _pandas_xgboost,
    "polars + xgboost": _polars_xgboost,
    "lightgbm from file": _lightgbm_from_file,
}


def _command(subject, coppice, table, model, threads):
    if subject in CSV_PEERS:
        return [sys.executable, __file__, subject, table, model, threads]
    if subject != "coppice":
        raise SystemExit(f"unknown subject '{subject}'; known: {', '.join(cases.CSV_SUBJECTS)}")
    parameters = [word for key, value in PARAMETERS.items() for word in ("--param", f"{key}={value}")]
    return [coppice, "train", "--train", table, "--label", cases.CSV_LABEL, "--model", model, "--threads", threads,
            *parameters, "--no-train-metrics", "--json"]


def measure(subject, coppice, table, threads):
    """Seconds and peak memory of one subject's process. Errors: processes.Failed."""
    with tempfile.TemporaryDirectory(dir=pathlib.Path(table).parent) as folder:
        command = _command(subject, coppice, table, pathlib.Path(folder) / "model.json", threads)
        start = time.perf_counter()
        output = processes.run(command, threads)
        seconds = time.perf_counter() - start
    told = json.loads(output[output.index("{"):])
    peak_mib = told["peak_mib"] if "peak_mib" in told else told["peak_memory_bytes"] / 2**20
    return {"seconds": seconds, "peak_mib": peak_mib, "told": told}


if __name__ == "__main__":
    import peers

    name, table_path, model_path, thread_count = sys.argv[1:]
    CSV_PEERS[name](table_path, model_path, int(thread_count))
    print(json.dumps({"peak_mib": peers.memory_mib("VmHWM")}))
