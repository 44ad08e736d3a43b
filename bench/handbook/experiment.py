"""The experiments of the Fraud Detection Handbook with Coppice: its baseline split, and model selection by prequential
validation (chapter 5).

Le Borgne, Siblini, Lebichot, Bontempi, Reproducible Machine Learning for Credit Card Fraud Detection, ULB 2022. The
table is its simulated, transformed data set, handbook_fraud.csv.gz in the folder --data; datasets/manifest.json tells
where it comes from.

    experiment.py --program build/release/coppice --out handbook.json
    experiment.py --program build/release/coppice --xgboost --out handbook.json

With --xgboost, XGBoost trains too, and Coppice reads its model files and measures them: its metrics, the same splits.
"""

import argparse
import itertools
import json
import os
import pathlib
import subprocess
import tempfile

import numpy as np
import pandas as pd

LABEL, CARD, DAY = "TX_FRAUD", "CUSTOMER_ID", "TX_TIME_DAYS"
NOT_FEATURES = ["TRANSACTION_ID", "TX_DATETIME", "TERMINAL_ID", "TX_TIME_SECONDS", "TX_FRAUD_SCENARIO"]
METRICS = {"auc": "AUC ROC", "ap": "Average precision", "card_precision@k=100": "Card precision@100"}

# Day 0 is 2018-04-01. Folds train a week, wait a week, test a week. The training weeks begin every 7 days; the frauds
# of a week of waiting are those of the next fold's training week, so the last fold lends its own only.
FIRST_DAY, N_FOLDS = 80, 10
BASELINE_FOLD = 6  # trains from day 115, 2018-07-25
VALIDATION_FOLDS, TEST_FOLDS = (1, 2, 3, 4), (6, 7, 8, 9)  # training from day 80 .. 101 and 115 .. 136

GRID = [dict(zip(("max_depth", "num_round", "learning_rate"), values))
        for values in itertools.product((3, 6, 9), (25, 50, 100), (0.1, 0.3))]
DEFAULTS = {"max_depth": 6, "num_round": 100, "learning_rate": 0.3}

# What the Handbook prints for XGBoost: chapter 3 (baseline) and chapter 5 (selected by validation; mean and deviation).
PRINTED_BASELINE = {"auc": 0.862, "ap": 0.639, "card_precision@k=100": 0.273}
PRINTED_SELECTED = {"auc": (0.869, 0.01), "ap": (0.687, 0.01), "card_precision@k=100": (0.303, 0.01)}


def run(program, *words):
    process = subprocess.run([program, *map(str, words)], capture_output=True, text=True)
    if process.returncode != 0:
        raise SystemExit(process.stderr)
    return json.loads(process.stdout)


def split(program, table, folder):
    run(program, "split", table, "--strategy", "prequential", "--time-column", DAY, "--label", LABEL, "--start",
        FIRST_DAY, "--train-length", 7, "--gap", 7, "--test-length", 7, "--step", 7, "--folds", N_FOLDS, "--out", folder,
        "--json")


def frauds(path):
    """Day and card of every fraud of a table."""
    table = pd.read_csv(path, usecols=[DAY, CARD, LABEL])
    return table.loc[table[LABEL] == 1, [DAY, CARD]]


def leave_out_known_cards(folder, fold):
    """The Handbook tests a card no more when one of its frauds is known: those of the training week, and, day by day,
    those that are a week old."""
    path = folder / f"fold_{fold}" / "test.csv"
    test = pd.read_csv(path, dtype=str)
    days = test[DAY].astype(int)
    known = set(frauds(folder / f"fold_{fold}" / "train.csv")[CARD])
    late = frauds(folder / f"fold_{fold + 1}" / "train.csv")
    kept = pd.Series(True, index=test.index)
    for day in range(days.min(), days.max() + 1):
        on_day = days == day
        fresh = set(late.loc[late[DAY] < day - 7, CARD])
        kept &= ~(on_day & test[CARD].astype(int).isin(known | fresh))
    test[kept].to_csv(path, index=False)
    return int(kept.sum()), int((test.loc[kept, LABEL] == "1").sum())


def train_coppice(program, train, model, parameters, extra):
    words = [word for name, value in {**parameters, **extra}.items() for word in ("--param", f"{name}={value}")]
    run(program, "train", "--train", train, "--label", LABEL, "--ignore", ",".join([*NOT_FEATURES, CARD, DAY]), "--model",
        model, "--log-period", 0, "--no-train-metrics", "--json", *words)


def train_xgboost(train, model, parameters, extra):
    import xgboost
    table = pd.read_csv(train)
    features = table.drop(columns=[*NOT_FEATURES, CARD, DAY, LABEL])
    words = {"objective": "binary:logistic", **parameters, **extra}
    n_rounds = words.pop("num_round")
    booster = xgboost.train(words, xgboost.DMatrix(features.astype(np.float32), table[LABEL]), n_rounds)
    booster.save_model(model)


def measure(program, model, test):
    result = run(program, "evaluate", "--model", model, test, "--label", LABEL, "--group-column", CARD, "--time-column",
                 DAY, "--json")
    return {name: result["metrics"][name] for name in METRICS}


def spread(values):
    """Mean and standard deviation of each metric, over folds."""
    return {name: (float(np.mean([v[name] for v in values])), float(np.std([v[name] for v in values])))
            for name in METRICS}


def select(evaluate):
    """Chapter 5: for each metric the grid point that is best in validation, and how it does in the tests."""
    points = [{"parameters": point, "validation": spread([evaluate(point, f) for f in VALIDATION_FOLDS]),
               "test": spread([evaluate(point, f) for f in TEST_FOLDS])} for point in GRID]
    best = {name: max(points, key=lambda point: point["validation"][name][0]) for name in METRICS}
    return {"selected": {name: {"parameters": point["parameters"], "test": point["test"][name]}
                         for name, point in best.items()}, "points": points}


def experiment(evaluate):
    return {"baseline": evaluate(DEFAULTS, BASELINE_FOLD), "prequential": select(evaluate)}


def print_table(results):
    print("\n| | " + " | ".join(METRICS.values()) + " |\n|---|" + "---|" * len(METRICS))
    print("| Handbook, baseline | " + " | ".join(f"{v:.3f}" for v in PRINTED_BASELINE.values()) + " |")
    for name, result in results.items():
        print(f"| {name}, baseline | " + " | ".join(f"{result['baseline'][m]:.3f}" for m in METRICS) + " |")
    print("| Handbook, prequential | " + " | ".join(f"{v:.3f} ± {s:.2f}" for v, s in PRINTED_SELECTED.values()) + " |")
    for name, result in results.items():
        selected = [result["prequential"]["selected"][m]["test"] for m in METRICS]
        print(f"| {name}, prequential | " + " | ".join(f"{v:.3f} ± {s:.3f}" for v, s in selected) + " |")


def misses(result):
    """Metrics whose prequential mean is more than a printed standard deviation below the printed one."""
    selected = result["prequential"]["selected"]
    return [name for name, (mean, deviation) in PRINTED_SELECTED.items()
            if selected[name]["test"][0] < mean - deviation]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--program", required=True, help="the program coppice")
    parser.add_argument("--data", default=os.environ.get("COPPICE_DATA"), help="folder of handbook_fraud.csv.gz")
    parser.add_argument("--param", action="append", default=[], metavar="KEY=VALUE", help="of every Coppice training")
    parser.add_argument("--xgboost", action="store_true", help="also with XGBoost")
    parser.add_argument("--out", required=True, help="JSON file to write")
    arguments = parser.parse_args()
    if not arguments.data:
        raise SystemExit("say where the data sets are with --data FOLDER or COPPICE_DATA")
    program = str(pathlib.Path(arguments.program).resolve())
    extra = dict(text.split("=", 1) for text in arguments.param)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        split(program, pathlib.Path(arguments.data) / "handbook_fraud.csv.gz", folder)
        sizes = {fold: leave_out_known_cards(folder, fold) for fold in (*VALIDATION_FOLDS, *TEST_FOLDS)}
        print("test rows and frauds of the baseline:", *sizes[BASELINE_FOLD])

        def evaluate_with(train):
            def evaluate(parameters, fold):
                model = folder / "model.json"
                train(folder / f"fold_{fold}" / "train.csv", model, parameters)
                return measure(program, model, folder / f"fold_{fold}" / "test.csv")
            return evaluate

        trainers = {"Coppice": lambda *words: train_coppice(program, *words, extra)}
        if arguments.xgboost:
            # As XGBoost was when the Handbook was written: exact splits, and a first prediction of 0.5.
            old = {"tree_method": "exact", "base_score": 0.5, "seed": 0}
            trainers["XGBoost"] = lambda *words: train_xgboost(*words, old)
        results = {}
        for name, train in trainers.items():
            results[name] = experiment(evaluate_with(train))
            document = {"test_sizes": sizes, "parameters": extra, **results}
            pathlib.Path(arguments.out).write_text(json.dumps(document, indent=1) + "\n")
    print_table(results)
    below = misses(results["Coppice"])
    if below:
        raise SystemExit(f"more than a standard deviation below the Handbook: {', '.join(below)}")


if __name__ == "__main__":
    main()
