"""One set of parameters, by Coppice's names, in the words of each library.

What has no counterpart is left at the library's default and named here. Nobody gets a hidden advantage: rounds,
depth, learning rate, L2, least child weight, least gain, row sampling, bins and threads are the same for all.
`max_delta_step` is passed on only when a setting names it: Coppice's default of 5 for binary:logistic is part of
what is compared, as XGBoost's and LightGBM's default of 0 is.
"""


def _is_regression(parameters):
    return parameters.get("objective", "binary:logistic") == "reg:squarederror"


def xgboost(parameters, threads, variant=""):
    """The names are XGBoost's already. Its own random choices come from `seed`, as everybody's."""
    del variant
    unknown = ("num_round", "sampling_noise", "screening", "cut_sample_rows", "cat_smooth", "cat_l2")
    mapped = {key: value for key, value in parameters.items() if key not in unknown}
    return {"objective": "binary:logistic", **mapped, "tree_method": "hist", "nthread": threads, "verbosity": 0}


def lightgbm(parameters, threads, variant=""):
    """Leaf-wise growth with as many leaves as the depth allows ends in the tree of depth-wise growth.

    min_data_in_leaf (20 by default) has no counterpart in the other libraries, whose limit is the hessian: 1.
    `quantised`: gradients in 2 bits (LightGBM's default when quantised), leaves refitted, as its authors advise.
    """
    mapped = {
        "objective": "regression" if _is_regression(parameters) else "binary",
        "max_depth": parameters["max_depth"],
        "num_leaves": 2 ** parameters["max_depth"],
        "learning_rate": parameters["learning_rate"],
        "lambda_l1": parameters.get("reg_alpha", 0),
        "lambda_l2": parameters["reg_lambda"],
        "min_sum_hessian_in_leaf": parameters["min_child_weight"],
        "min_data_in_leaf": 1,
        "min_gain_to_split": parameters["gamma"],
        "bagging_fraction": parameters["subsample"],
        "bagging_freq": 1 if parameters["subsample"] < 1 else 0,
        "max_bin": parameters["max_bin"],
        "num_threads": threads,
        "seed": parameters["seed"],
        "verbosity": -1,
    }
    for key in ("max_delta_step", "max_cat_threshold", "max_cat_to_onehot", "cat_smooth", "cat_l2"):
        if key in parameters:
            mapped[key] = parameters[key]
    if variant == "quantised":
        mapped |= {"use_quantized_grad": True, "quant_train_renew_leaf": True}
    return mapped


def catboost(parameters, threads, variant=""):
    """gamma, min_child_weight and reg_alpha have no counterpart (min_data_in_leaf counts rows, not hessians).

    Trees grow level by level as in the other libraries; `symmetric` is CatBoost's own default, where all nodes of
    a level share one split. Several Newton steps a leaf, noise on scores and ordered statistics of categories are
    CatBoost's own defaults and stay. border_count counts cuts, so bins are one more.
    """
    mapped = {
        "loss_function": "RMSE" if _is_regression(parameters) else "Logloss",
        "iterations": parameters["num_round"],
        "depth": parameters["max_depth"],
        "learning_rate": parameters["learning_rate"],
        "l2_leaf_reg": parameters["reg_lambda"],
        "border_count": parameters["max_bin"] - 1,
        "boost_from_average": True,  # as the other libraries do; for Logloss it is not CatBoost's default
        "thread_count": threads,
        "random_seed": parameters["seed"],
        "allow_writing_files": False,
        "logging_level": "Silent",
    }
    if parameters["subsample"] < 1:
        mapped |= {"bootstrap_type": "Bernoulli", "subsample": parameters["subsample"]}
    else:
        mapped |= {"bootstrap_type": "No"}
    if variant != "symmetric":
        mapped |= {"grow_policy": "Depthwise", "min_data_in_leaf": 1}
    return mapped
