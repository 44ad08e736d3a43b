"""Scoring speed: every library scores the same trees, and counts only when its margins are right."""

import importlib.util
import json
import pathlib
import sys

import cases
import mapping
import matrix
import numpy as np
import processes
import trees
from score_peers import SCORE_PEERS

PEERS_PROGRAM = pathlib.Path(__file__).with_name("score_peers.py")


class Contest:
    """One model and its rows, for all subjects. XGBoost trains it, and its margins are what is right."""

    def __init__(self, program, parts):
        import xgboost

        self.program = program
        self.rows = parts[1]
        self.folder = parts[1].parent
        self.built = {}  # by subject: the processes.Failed that its building ended with, or None
        parameters = {**cases.SCORE_PARAMETERS, "seed": 0}
        values, _, labels = matrix.read(parts[0])
        data = xgboost.QuantileDMatrix(values, labels, max_bin=parameters["max_bin"], nthread=1)
        model = xgboost.train(mapping.xgboost(parameters, 1), data, parameters["num_round"])
        model.save_model(self.folder / "model.json")
        self.expected = model.predict(xgboost.DMatrix(matrix.read(self.rows)[0]), output_margin=True)
        forest = trees.read_xgboost((self.folder / "model.json").read_text())
        self.tolerance = trees.rounding(forest)
        self.leaves_per_tree = sum(node.is_leaf for tree in forest.trees for node in tree) / len(forest.trees)

    def measure(self, subject):
        """One record for each batch size. Errors: processes.Failed, also when the margins are wrong;
        processes.Skipped when the subject is not installed."""
        if subject not in self.built:
            self.built[subject] = self._build(subject)
        if self.built[subject]:
            raise self.built[subject]
        margins_file = self.folder / "margins"
        output = processes.run(self._command(subject, margins_file), 1)
        measured = json.loads(output[output.index('{"batches"'):])["batches"]
        difference = float(np.abs(np.fromfile(margins_file, np.float32) - self.expected).max())
        if not difference <= self.tolerance:
            raise processes.Failed(f"margins differ by {difference:.3g}, more than rounding can "
                                   f"({self.tolerance:.3g})")
        return [{**one, "largest_difference": difference, "leaves_per_tree": self.leaves_per_tree}
                for one in measured]

    def _build(self, subject):
        if subject == "coppice":
            return None
        for package in SCORE_PEERS[subject].packages:
            if importlib.util.find_spec(package) is None:
                return processes.Skipped(f"{package} is not installed")
        try:
            processes.run([sys.executable, PEERS_PROGRAM, "build", subject, self.folder], 1)
        except processes.Failed as failure:
            return failure
        return None

    def _command(self, subject, margins):
        batches = ",".join(map(str, cases.SCORE_BATCHES))
        if subject == "coppice":
            chosen = [self.program, self.folder / "model.json"]
        elif (peer := SCORE_PEERS[subject]).is_native:
            chosen = [self.program, self.folder / peer.model, "--library", self.folder / peer.file]
        else:
            chosen = [sys.executable, PEERS_PROGRAM, "score", subject, self.folder]
        return [*chosen, self.rows, margins, cases.SCORE_SECONDS, batches]
