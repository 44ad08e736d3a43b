"""The trees of an XGBoost model, and the same trees as models of the other libraries."""

import itertools
import json
import math
import struct
from dataclasses import dataclass


def _float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def before(value):
    """The next smaller float32: `x <= before(t)` is `x < t` for float32 x, and how the other libraries ask."""
    (bits,) = struct.unpack("<i", struct.pack("<f", value))
    if value == 0:
        bits = -0x7FFFFFFF  # the negative number nearest to 0
    elif value > 0:
        bits -= 1
    else:
        bits += 1
    return struct.unpack("<f", struct.pack("<i", bits))[0]


@dataclass(frozen=True)
class Node:
    """A row goes left where its value is less than the threshold."""

    left: int  # index in the tree; -1: a leaf
    right: int
    feature: int
    threshold: float  # a float32
    default_left: bool  # where a missing value goes
    value: float  # of a leaf

    @property
    def is_leaf(self):
        return self.left < 0


@dataclass(frozen=True)
class Forest:
    trees: list  # of lists of nodes, the root first
    base_margin: float
    n_features: int


def read_xgboost(text):
    """From the JSON of a binary:logistic model with numeric features."""
    learner = json.loads(text)["learner"]
    trees = []
    for tree in learner["gradient_booster"]["model"]["trees"]:
        numbers = [_float32(value) for value in tree["split_conditions"]]  # thresholds, and values of leaves
        trees.append([Node(*fields) for fields in
                      zip(tree["left_children"], tree["right_children"], tree["split_indices"], numbers,
                          map(bool, tree["default_left"]), numbers, strict=True)])
    base_score = float(learner["learner_model_param"]["base_score"].strip("[]"))
    return Forest(trees, math.log(base_score / (1 - base_score)), int(learner["learner_model_param"]["num_feature"]))


def rounding(forest):
    """How far the margins of two libraries may lie apart: each addition may round the largest sum that there can be
    by half a unit in the last place of a float32."""
    largest = abs(forest.base_margin) + sum(max(abs(node.value) for node in tree if node.is_leaf)
                                            for tree in forest.trees)
    return (len(forest.trees) + 1) * largest * 2.0**-24


def _lightgbm_tree(index, tree, offset):
    inner = [node for node in tree if not node.is_leaf]
    leaves = [node for node in tree if node.is_leaf]
    counts = [itertools.count(), itertools.count()]  # inner nodes and leaves are numbered apart, leaves as ~number
    number = [~next(counts[1]) if node.is_leaf else next(counts[0]) for node in tree]
    nan_is_missing = 8
    fields = {
        "num_leaves": [len(leaves)], "num_cat": [0],
        "split_feature": [node.feature for node in inner], "split_gain": [1] * len(inner),
        "threshold": [before(node.threshold) for node in inner],
        "decision_type": [nan_is_missing + 2 * node.default_left for node in inner],
        "left_child": [number[node.left] for node in inner], "right_child": [number[node.right] for node in inner],
        "leaf_value": [node.value + offset for node in leaves], "leaf_weight": [1] * len(leaves),
        "leaf_count": [1] * len(leaves), "internal_value": [0] * len(inner), "internal_weight": [1] * len(inner),
        "internal_count": [1] * len(inner), "is_linear": [0], "shrinkage": [1],
    }
    lines = [f"{key}={' '.join(map(repr, values))}" for key, values in fields.items()]
    return "\n".join([f"Tree={index}", *lines]) + "\n\n\n"


def lightgbm(forest):
    """LightGBM's text format. The base margin is in the leaves of the first tree."""
    trees = [_lightgbm_tree(i, tree, 0 if i else forest.base_margin) for i, tree in enumerate(forest.trees)]
    head = {
        "version": "v4", "num_class": 1, "num_tree_per_iteration": 1, "label_index": 0,
        "max_feature_idx": forest.n_features - 1, "objective": "binary sigmoid:1",
        "feature_names": " ".join(f"f{f}" for f in range(forest.n_features)),
        "feature_infos": " ".join(["[-inf:inf]"] * forest.n_features),
        "tree_sizes": " ".join(str(len(tree)) for tree in trees),
    }
    lines = "\n".join(f"{key}={value}" for key, value in head.items())
    return f"tree\n{lines}\n\n{''.join(trees)}end of trees\n\npandas_categorical:null\n"


def catboost(forest):
    """CatBoost's JSON format. It has no direction for missing values at a node: only for rows without them."""
    splits = sorted({(node.feature, before(node.threshold)) for tree in forest.trees for node in tree
                     if not node.is_leaf})
    index = {split: i for i, split in enumerate(splits)}
    borders = [[border for f, border in splits if f == feature] for feature in range(forest.n_features)]

    def nested(tree, node):
        if node.is_leaf:
            return {"value": node.value, "weight": 1}
        split = (node.feature, before(node.threshold))
        return {"left": nested(tree, tree[node.left]), "right": nested(tree, tree[node.right]),
                "split": {"border": split[1], "float_feature_index": split[0], "split_index": index[split],
                          "split_type": "FloatFeature"}}

    features = [{"borders": some, "feature_id": "", "feature_index": f, "flat_feature_index": f, "has_nans": False,
                 "nan_value_treatment": "AsIs"} for f, some in enumerate(borders)]
    return json.dumps({"features_info": {"float_features": features}, "scale_and_bias": [1, [forest.base_margin]],
                       "trees": [nested(tree, tree[0]) for tree in forest.trees]})


def onnx_attributes(forest):
    """Attributes of ONNX's TreeEnsembleRegressor."""
    nodes = [(t, i, node) for t, tree in enumerate(forest.trees) for i, node in enumerate(tree)]
    leaves = [(t, i, node) for t, i, node in nodes if node.is_leaf]
    return {
        "n_targets": 1, "base_values": [forest.base_margin], "aggregate_function": "SUM", "post_transform": "NONE",
        "nodes_treeids": [t for t, _, _ in nodes], "nodes_nodeids": [i for _, i, _ in nodes],
        "nodes_modes": ["LEAF" if node.is_leaf else "BRANCH_LT" for _, _, node in nodes],
        "nodes_featureids": [node.feature for _, _, node in nodes],
        "nodes_values": [node.threshold for _, _, node in nodes],
        "nodes_truenodeids": [max(node.left, 0) for _, _, node in nodes],
        "nodes_falsenodeids": [max(node.right, 0) for _, _, node in nodes],
        "nodes_missing_value_tracks_true": [int(node.default_left) for _, _, node in nodes],
        "target_treeids": [t for t, _, _ in leaves], "target_nodeids": [i for _, i, _ in leaves],
        "target_ids": [0] * len(leaves), "target_weights": [node.value for _, _, node in leaves],
    }
