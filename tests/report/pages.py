"""Reports of small tables, made by the program under test: pages that the checks of this folder look at."""

import random
import subprocess
from pathlib import Path

# Names that would break a page or a layout: markup, quotes, an attribute's end, no place to break a line.
HOSTILE_NAME = "<script>alert(1)</script>\"'>&amp;<b"
LONG_NAME = "CUSTOMER_ID_AVERAGE_AMOUNT_OF_THE_LAST_30_DAYS_WINDOW_WITHOUT_END"


def write_table(path, n_rows, seed, fraud_share, quantity=False):
    """A table with a skewed amount, a category, missing values and hostile names; its label can be learned."""
    draw = random.Random(seed)
    lines = [f'{quote(HOSTILE_NAME)},{LONG_NAME},Amount,Country,Label']
    for _ in range(n_rows):
        is_fraud = draw.random() < fraud_share
        hostile = draw.gauss(2.5 if is_fraud else 0, 1)
        long = "" if draw.random() < 0.1 else f"{draw.gauss(1 if is_fraud else 0, 1):.3f}"
        amount = draw.lognormvariate(4 if is_fraud else 3, 1.2)
        country = draw.choice(["DE", "FR", '"x, <i>y</i>"', "Nieder-und-Oberlausitz-am-Rande-der-Welt"])
        label = f"{3 * hostile + amount + draw.gauss(0, 5):.2f}" if quantity else int(is_fraud)
        lines.append(f"{hostile:.4f},{long},{amount:.2f},{country},{label}")
    path.write_text("\n".join(lines) + "\n")


def quote(text):
    return '"' + text.replace('"', '""') + '"'


def make_pages(program, folder):
    """Trains small models and writes their reports: paths of the pages by name."""
    def run(*words):
        subprocess.run([program, *words], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    pages = {}
    for name, share, quantity in [("rare", 0.02, False), ("balanced", 0.4, False), ("quantity", 0.1, True)]:
        for part, seed in [("train", 1), ("valid", 2), ("test", 3)]:
            write_table(Path(folder) / f"{name}_{part}.csv", 3000, seed, share, quantity)
        objective = "reg:squarederror" if quantity else "binary:logistic"
        metrics = "rmse,mae" if quantity else "auc,ap,logloss"
        run("train", "--train", f"{name}_train.csv", "--valid", f"{name}_valid.csv", "--label", "Label",
            "--model", f"{name}.json", "--param", f"objective={objective}", "--param", f"eval_metric={metrics}",
            "--param", "num_round=30", "--param", "max_depth=3")
        known = ["--amount-column", "Amount", "--cost-review", "5"] if name == "rare" else []
        run("report", "--model", f"{name}.json", f"{name}_test.csv", "--out", f"{name}.html", *known)
        pages[name] = Path(folder) / f"{name}.html"
    run("tune", "--train", "rare_train.csv", "--valid", "rare_valid.csv", "--label", "Label", "--range", "eta=0:1",
        "--range", "alpha=0.001:2:log", "--range", "max_depth=1:6:int", "--range", "grow_policy=depthwise,lossguide",
        "--param", "num_round=20", "--objective", "validation:ap", "--trials", "12", "--out", "study")
    run("tune", "--report", "study", "--out", "study.html")
    pages["study"] = Path(folder) / "study.html"
    return pages
