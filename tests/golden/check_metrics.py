"""Checks the metrics against scikit-learn, or against their definition in NumPy where it has none.

Usage: check_metrics.py METRIC_VALUES, the program of that name. Tables have ties and weights. Predictions are float32
sigmoids there and float64 here, so what depends on their values, not only on their order, may differ by 2^-23 of it.
"""

import subprocess
import sys
import types

import numpy as np
from sklearn import metrics as sk

ROUNDING = 1e-12  # sums in another order
SIGMOID = 1e-6  # of single predictions, which logloss magnifies at most tenfold for margins this small


def precision_at(k, y, margins, weights):
    """Ties shuffled in thought: each group of them gives its mean."""
    taken = positive = 0.0
    for margin in np.unique(margins)[::-1]:
        tie = margins == margin
        weight = weights[tie].sum()
        part = min(weight, k - taken)
        positive += part * (weights * y)[tie].sum() / weight
        taken += part
    return positive / taken


def calibration_error(y, p, weights):
    """Every row cut to pieces that fit one bin; tied rows have the label of their mean."""
    labels = np.empty(len(y))
    for value in np.unique(p):
        labels[p == value] = np.average(y[p == value], weights=weights[p == value])
    order = np.argsort(p, kind="stable")[::-1]
    ends = np.cumsum(weights[order])
    begins = np.concatenate([[0], ends[:-1]])
    edges = np.linspace(0, ends[-1], 11)
    gaps = [abs(np.sum(np.clip(np.minimum(ends, high) - np.maximum(begins, low), 0, None) * (p - labels)[order]))
            for low, high in zip(edges[:-1], edges[1:])]
    return sum(gaps) / ends[-1]


def card_precision(k, table, w):
    """The Card Precision top-k of the Fraud Detection Handbook (chapter 4), cards of equal score by their number."""
    found, precisions = set(), []
    for day in np.unique(table.days):
        best = {}
        for card, margin, label, weight in zip(*(x[table.days == day] for x in (table.groups, table.margins, table.y, w))):
            if card not in found:
                old = best.get(card, (-np.inf, 0, 0))
                best[card] = max(old[0], margin), max(old[1], label), max(old[2], weight)
        left, caught = k, 0.0
        for card in sorted(best, key=lambda card: (-best[card][0], card)):
            weight = min(best[card][2], left)
            if weight > 0 and best[card][1]:
                caught += weight
                found.add(card)
            left -= weight
        precisions.append(caught / k)
    return np.mean(precisions)


def cost(called, y, w, amounts):
    """Per unit of weight: a false alarm costs 30, a review 2, a miss its amount."""
    return (w * (called * (2 + 30 * (1 - y)) + (1 - called) * y * amounts)).sum() / w.sum()


def of_classes(table, w):
    """name: (value, relative tolerance)."""
    y, margins, amounts = table.y, table.margins, table.amounts
    money = w * y * amounts
    thresholds = np.append(np.unique(margins), np.inf)
    fprs = np.array([np.average(margins[y == 0] >= t, weights=w[y == 0]) for t in thresholds])
    p = 1 / (1 + np.exp(-margins.astype(np.float64)))
    called = p >= 0.3
    fpr, tpr, _ = sk.roc_curve(y, margins, sample_weight=w, drop_intermediate=False)
    precision, recall, _ = sk.precision_recall_curve(y, margins, sample_weight=w)
    exact = {
        "auc": sk.roc_auc_score(y, margins, sample_weight=w),
        "ap": sk.average_precision_score(y, margins, sample_weight=w),
        "recall@fpr=0.1": tpr[fpr <= 0.1].max(),
        "precision@recall=0.2": precision[:-1][recall[:-1] >= 0.2].max(),
        "recall@precision=0.3": recall[precision >= 0.3].max(),
        "precision@k=700": precision_at(700, y, margins, w),
        "error@0.3": 1 - sk.accuracy_score(y, called, sample_weight=w),
        "accuracy@0.3": sk.accuracy_score(y, called, sample_weight=w),
        "balanced_accuracy@0.3": sk.balanced_accuracy_score(y, called, sample_weight=w),
        "precision@0.3": sk.precision_score(y, called, sample_weight=w),
        "recall@0.3": sk.recall_score(y, called, sample_weight=w),
        "f1@0.3": sk.f1_score(y, called, sample_weight=w),
        "mcc@0.3": sk.matthews_corrcoef(y, called, sample_weight=w),
        "card_precision@k=20": card_precision(20, table, w),
        "cost@0.3": cost(called, y, w, amounts),
        "min_cost": min(cost(margins >= t, y, w, amounts) for t in thresholds),
        "amount_recall@0.3": sk.recall_score(y, called, sample_weight=w * amounts),
        "amount_recall@fpr=0.1": (money * (margins >= thresholds[fprs <= 0.1].min())).sum() / money.sum(),
    }
    rounded = {
        "logloss": sk.log_loss(y, p, sample_weight=w),
        "brier": sk.brier_score_loss(y, p, sample_weight=w),
        "ece": calibration_error(y, p, w),
    }
    return {n: (v, ROUNDING) for n, v in exact.items()} | {n: (v, SIGMOID) for n, v in rounded.items()}


def of_numbers(table, w):
    predictions = table.margins.astype(np.float64)
    y = table.y.astype(np.float64)
    return {
        "rmse": (sk.root_mean_squared_error(y, predictions, sample_weight=w), ROUNDING),
        "mae": (sk.mean_absolute_error(y, predictions, sample_weight=w), ROUNDING),
        "r2": (sk.r2_score(y, predictions, sample_weight=w), ROUNDING),
    }


def check(program, objective, expected_of, table):
    expected = [expected_of(table, w) for w in (table.weights, np.ones(len(table.y)))]
    columns = (table.margins, table.y, table.weights, table.amounts, table.groups, table.days)
    text = "".join(" ".join(f"{x:.9g}" for x in row) + "\n" for row in zip(*columns))
    output = subprocess.run([program, objective, *expected[0]], input=text, capture_output=True, text=True, check=True)
    values = [float(line) for line in output.stdout.split()]
    wanted = [(name, *pair) for table in expected for name, pair in table.items()]
    assert len(values) == len(wanted), (len(values), len(wanted))
    for value, (name, reference, tolerance) in zip(values, wanted):
        assert abs(value - reference) <= tolerance * abs(reference), (name, value, reference)
    return len(values)


def main(program):
    n_checked = 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        labels = (rng.random(5000) < 0.15).astype(np.int64)
        # Half of the margins on a grid, which ties them.
        margins = (rng.normal(size=5000) * 1.5 + 1.5 * labels - 1.5).astype(np.float32)
        margins[::2] = np.round(margins[::2] * 8) / 8
        weights = rng.integers(1, 9, size=5000) / 4
        table = types.SimpleNamespace(margins=margins, y=labels, weights=weights, days=rng.integers(0, 4, size=5000),
                                      groups=rng.integers(0, 400, size=5000), amounts=rng.integers(1, 400, size=5000) / 4)
        n_checked += check(program, "binary:logistic", of_classes, table)
        table.y = (margins + rng.normal(size=5000)).astype(np.float32)
        n_checked += check(program, "reg:squarederror", of_numbers, table)
    print(f"{n_checked} values agree with scikit-learn")


if __name__ == "__main__":
    main(sys.argv[1])
