"""From a data set to the matrix files that every library is given."""

import functools
import pathlib
import subprocess

import cases
import matrix
import numpy as np
import pandas as pd
import pyarrow.csv
from sklearn.model_selection import train_test_split

_BLOCK_BYTES = 1 << 24

def _read_csv(folder, file):
    if folder is None:
        raise SystemExit(f"{file}: say where the data sets are with --data FOLDER or COPPICE_DATA")
    path = pathlib.Path(folder) / file
    if not path.exists():
        raise SystemExit(f"{path}: not there; datasets/manifest.json tells where it comes from")
    return pd.read_csv(path, keep_default_na=False, na_values=[""], low_memory=False)


@functools.lru_cache(maxsize=1)
def _load(table, folder):
    """The training frame, and the test frame or None."""
    train = _read_csv(folder, table.train)
    if table.periods:
        column, train_period, test_period = table.periods
        inside = [train[column].between(*period) for period in (train_period, test_period)]
        return train[inside[0]], train[inside[1]]
    return train, _read_csv(folder, table.test) if table.test else None


def _split(table, folder, seed):
    train, test = _load(table, folder)
    if test is not None:
        return train, test
    return train_test_split(train, test_size=0.3, random_state=seed,
                            stratify=None if table.regression else train[table.label])


def _encode(table, train, test):
    """Columns of both parts and the number of categories of each: codes are ranks by frequency in training."""
    names = [name for name in train.columns if name != table.label and name not in table.dropped]
    columns = {"train": [], "test": []}
    n_categories = []
    for name in names:
        if pd.api.types.is_numeric_dtype(train[name]):
            n_categories.append(0)
            columns["train"].append(train[name].to_numpy(np.float32))
            columns["test"].append(test[name].to_numpy(np.float32))
            continue
        counts = train[name].astype(str)[train[name].notna()].value_counts()
        ordered = sorted(counts.index, key=lambda text: (-counts[text], text.encode()))
        code_of = {text: code for code, text in enumerate(ordered)}
        n_categories.append(len(ordered))
        for part, frame in (("train", train), ("test", test)):
            codes = frame[name].astype(str).map(code_of).fillna(len(ordered))
            columns[part].append(codes.where(frame[name].notna()).to_numpy(np.float32))
    return columns, n_categories


def _write_table(table, folder, seed, paths):
    train, test = _split(table, folder, seed)
    columns, n_categories = _encode(table, train, test)
    matrix.write(paths[0], columns["train"], n_categories, train[table.label])
    matrix.write(paths[1], columns["test"], n_categories, test[table.label])


def _write_parts(values, labels, train_rows, paths):
    """values [n_features][n_rows]."""
    for path, part in zip(paths, (slice(None, train_rows), slice(train_rows, None)), strict=True):
        matrix.write(path, [column[part] for column in values], [0] * len(values), labels[part])


def _write_fraud(data, generator, paths):
    """The table of datasets/generate_fraud.cpp, its label last. It is read as it is made and never a file."""
    rows = data.train_rows + data.test_rows
    command = [generator, "--rows", str(rows), "--positives-share", str(data.positives_share), "--seed", str(data.seed)]
    first = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        blocks = pyarrow.csv.open_csv(process.stdout, pyarrow.csv.ReadOptions(block_size=_BLOCK_BYTES))
        n_features = len(blocks.schema) - 1
        # First row of each part, and its matrix [n_columns, n_rows].
        parts = ((0, matrix.create(paths[0], data.train_rows, n_features)),
                 (data.train_rows, matrix.create(paths[1], data.test_rows, n_features)))
        for block in blocks:
            columns = [column.to_numpy() for column in block.columns]
            for part_first, part in parts:
                begin, end = max(first, part_first), min(first + len(block), part_first + part.shape[1])
                for f, column in enumerate(columns if begin < end else ()):
                    part[f, begin - part_first : end - part_first] = column[begin - first : end - first]
            first += len(block)
    if process.returncode != 0:
        raise RuntimeError(f"{generator}: exit code {process.returncode}")


def _write_normal(data, paths):
    random = np.random.default_rng(data.seed)
    rows = data.train_rows + data.test_rows
    x = random.standard_normal((rows, data.features), np.float32).T
    score = x[0] + x[1] * x[2] + 0.7 * np.sin(3 * x[3]) + np.abs(x[4]) - 0.5 * x[5]
    score += 1.5 * random.standard_normal(rows, np.float32)
    _write_parts(x, score > np.median(score), data.train_rows, paths)


def write(data, seed, paths, folder, generator):
    """Writes the train and the test matrix of a data set to `paths`."""
    if isinstance(data, cases.Table):
        _write_table(data, folder, seed, paths)
    elif isinstance(data, cases.Fraud):
        _write_fraud(data, generator, paths)
    else:
        _write_normal(data, paths)
