"""Other libraries that score the trees of one XGBoost model, on one thread.

    python score_peers.py SUBJECT FOLDER ROWS.matrix SECONDS MARGINS BATCH...

Scores from Python, prints what bench/score.cpp prints. FOLDER holds what the functions of BUILD made there.
"""

import json
import pathlib
import subprocess
import sys
import sysconfig
import time

import trees

HERE = pathlib.Path(__file__).parent
CHUNK_ROWS = 256  # as in bench/score.cpp: the clock is read after as many rows or more


# --- The model in the form that each library takes: functions of (forest, folder, model.json) -------------------


def _build_lightgbm(forest, folder, _):
    (folder / "lightgbm.txt").write_text(trees.lightgbm(forest))


def _build_catboost(forest, folder, _):
    (folder / "catboost.json").write_text(trees.catboost(forest))


def _build_onnx(forest, folder, _):
    from onnx import TensorProto, helper, save_model

    node = helper.make_node("TreeEnsembleRegressor", ["rows"], ["margins"], domain="ai.onnx.ml",
                            **trees.onnx_attributes(forest))
    graph = helper.make_graph([node], "trees", [helper.make_tensor_value_info("rows", TensorProto.FLOAT,
                                                                              [None, forest.n_features])],
                              [helper.make_tensor_value_info("margins", TensorProto.FLOAT, [None, 1])])
    save_model(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("ai.onnx.ml", 3),
                                                                     helper.make_opsetid("", 17)]),
               folder / "forest.onnx")


def _compile(name, folder, *inputs):
    """The scorer of native/NAME.c as a shared library."""
    subprocess.run(["cc", "-O3", "-march=native", "-shared", "-fPIC", "-I", HERE / "native", HERE / "native" / f"{name}.c",
                    *inputs, "-o", folder / f"{name}.so"], check=True)


def _compile_with_library(name, folder, path):
    _compile(name, folder, path, f"-Wl,-rpath,{path.parent}")


def _build_xgboost_native(_, folder, __):
    import xgboost

    _compile_with_library("xgboost", folder, pathlib.Path(xgboost.__file__).parent / "lib" / "libxgboost.so")


def _build_lightgbm_native(forest, folder, model):
    import lightgbm

    _build_lightgbm(forest, folder, model)
    _compile_with_library("lightgbm", folder, pathlib.Path(lightgbm.__file__).parent / "lib" / "lib_lightgbm.so")
