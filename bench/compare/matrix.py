"""Matrix files: the layout is described in bench/matrix_file.h."""

import numpy as np

MAGIC = b"CPMATRX1"


def _write_header(file, n_rows, n_categories):
    file.write(MAGIC)
    np.array([n_rows, len(n_categories), 0], np.uint64).tofile(file)
    np.asarray(n_categories, np.uint32).tofile(file)


def create(path, n_rows, n_features):
    """A file of numeric features to be filled: float32 [n_features + 1, n_rows], the labels last, mapped to memory."""
    with open(path, "wb") as file:
        _write_header(file, n_rows, np.zeros(n_features))
        begin = file.tell()
    return np.memmap(path, np.float32, "r+", begin, (n_features + 1, n_rows))


def write(path, columns, n_categories, labels):
    """columns [n_features][n_rows] and labels [n_rows] float32; n_categories [n_features], 0 is numeric."""
    with open(path, "wb") as file:
        _write_header(file, len(labels), n_categories)
        for column in columns:
            np.ascontiguousarray(column, np.float32).tofile(file)
        np.ascontiguousarray(labels, np.float32).tofile(file)


def read(path):
    """Row-major values [n_rows, n_features] float32, n_categories [n_features], labels [n_rows]."""
    with open(path, "rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise ValueError(f"{path}: is no matrix file")
        n_rows, n_features, has_weights = (int(x) for x in np.fromfile(file, np.uint64, 3))
        if has_weights:
            raise ValueError(f"{path}: weights are not compared")
        n_categories = np.fromfile(file, np.uint32, n_features)
        values = np.empty((n_rows, n_features), np.float32)
        for f in range(n_features):
            values[:, f] = np.fromfile(file, np.float32, n_rows)
        return values, n_categories, np.fromfile(file, np.float32, n_rows)
