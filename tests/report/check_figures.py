"""Every figure of a report shows something: its marks are numbers within the image, and not all in one place.

Usage: check_figures.py PROGRAM. Needs Python only. The colours of the style have enough contrast."""

import math
import re
import sys
import tempfile
from html.parser import HTMLParser

from pages import HOSTILE_NAME, make_pages

FEWEST_FIGURES = 6
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|nan|inf")
COMMAND = re.compile(r"([MLHVhvZ])([^MLHVhvZ]*)")


class Figure:
    def __init__(self, attributes):
        self.name = attributes.get("aria-label", "")
        self.role = attributes.get("role")
        _, _, self.width, self.height = map(float, attributes["viewbox"].split())
        self.points = []
        self.texts = []
        self.has_description = False


class Page(HTMLParser):
    """The figures of a page, and every tag that would run or load something."""

    def __init__(self, html):
        super().__init__()
        self.figures, self.active = [], []
        self.figure = None
        self.in_text = False
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        loads = {"src", "href", "xlink:href"} & set(attributes) or any(name.startswith("on") for name in attributes)
        if tag in {"script", "link", "img", "iframe", "object", "embed", "i"} or loads:
            self.active.append((tag, attributes))
        if tag == "svg":
            self.figure = Figure(attributes)
            self.figures.append(self.figure)
        if self.figure is None:
            return
        if tag == "desc":
            self.figure.has_description = True
        self.in_text = tag == "text"
        if "mark" not in attributes.get("class", "").split():
            return
        if tag == "circle":
            self.figure.points.append((float(attributes["cx"]), float(attributes["cy"])))
        else:
            self.figure.points += points_of(attributes["d"])

    def handle_endtag(self, tag):
        self.in_text = False
        if tag == "svg":
            self.figure = None

    def handle_data(self, data):
        if self.figure is not None and self.in_text:
            self.figure.texts.append(data)


def points_of(path):
    """Corners of a path of the commands that figures use."""
    points, x, y = [], 0.0, 0.0
    for command, text in COMMAND.findall(path):
        numbers = [float(number) for number in NUMBER.findall(text)]
        if command in "ML":
            x, y = numbers
        elif command == "H":
            x = numbers[0]
        elif command == "V":
            y = numbers[0]
        elif command == "h":
            x += numbers[0]
        elif command == "v":
            y += numbers[0]
        points.append((x, y))
    return points


def problems_of(figure):
    """What is wrong with a figure: a list of sentences."""
    problems = []
    if figure.role != "img" or not figure.name or not figure.has_description:
        problems.append("it has no role, name or description for those who hear the page")
    if not figure.points:
        return problems + ["it has no marks"]
    if not all(math.isfinite(x) and math.isfinite(y) for x, y in figure.points):
        return problems + ["a mark is not a number"]
    xs, ys = zip(*figure.points)
    if min(xs) < -0.1 or max(xs) > figure.width + 0.1 or min(ys) < -0.1 or max(ys) > figure.height + 0.1:
        problems.append(f"marks from ({min(xs)}, {min(ys)}) to ({max(xs)}, {max(ys)}) leave the image")
    # A third of the image across, or several rows of dots: less is an empty plot.
    if max(xs) - min(xs) < figure.width / 3 and max(ys) - min(ys) < figure.height / 3:
        problems.append("its marks are all in one place")
    if any(text in {"nan", "inf", "-inf"} for text in figure.texts):
        problems.append("a label is not a number")
    return problems


def luminance(colour):
    channels = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    bright, dark = sorted([luminance(a), luminance(b)], reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def contrast_problems(html):
    """Colours of text against the paper, in both themes: WCAG 2 asks for 4.5."""
    themes = re.findall(r":root \{(.*?)\}", html, re.DOTALL)
    assert len(themes) == 2, "a light and a dark theme"
    problems = []
    for theme in themes:
        colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", theme))
        for name in ("ink", "soft", "accent", "muted"):
            ratio = contrast(colours[name], colours["paper"])
            if ratio < 4.5:
                problems.append(f"{name} {colours[name]} on {colours['paper']}: contrast {ratio:.2f}")
    return problems


def check_the_check():
    """An empty plot, a plot in one place and a plot of nan are found."""
    frame = '<svg viewBox="0 0 360 250" role="img" aria-label="x"><desc>x</desc>{}</svg>'
    for marks in ("", '<path class="mark line" d="M5 5L6 6">', '<path class="mark line" d="Mnan 5L300 200">',
                  '<path class="mark line" d="M5 5L6000 6">'):
        assert problems_of(Page(frame.format(marks)).figures[0]), marks
    assert not problems_of(Page(frame.format('<path class="mark line" d="M5 5H200V9">')).figures[0])


def main():
    check_the_check()
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        for name, path in make_pages(sys.argv[1], folder).items():
            html = path.read_text(encoding="utf-8")
            page = Page(html)
            if len(page.figures) < FEWEST_FIGURES:
                failures.append(f"{name}: only {len(page.figures)} figures")
            if page.active or HOSTILE_NAME in html:
                failures.append(f"{name}: markup out of the data reached the page: {page.active}")
            failures += [f"{name}: {problem}" for problem in contrast_problems(html)]
            failures += [f"{name}, {figure.name}: {problem}"
                         for figure in page.figures for problem in problems_of(figure)]
    print("\n".join(failures) or "all figures show something")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
