"""Plots of growth as SVG from result files: one for each axis, time above and memory below, a column for each shape."""

import html
import json
import math
import statistics
from dataclasses import dataclass

import cases
import growth

AXIS_NAMES = {"rows": "rows", "features": "features", "depth": "depth of a tree", "bins": "bins of a feature",
              "trees": "trees"}
MEASURES = {  # name: (what it says, value of a record)
    "seconds": ("seconds to the model", lambda record: record["seconds"]),
    "memory": ("MiB over the loaded matrix", lambda record: record["peak_mib"] - record["loaded_mib"]),
}
COLORS = ("#0b6e4f", "#c8553d", "#3d5a99", "#b08900", "#7a4f9a", "#5f6b73")
WIDTH, HEIGHT = 400, 270  # of a panel
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 30, 42  # margins of a panel
LEGEND = 34
DOTTED = 'stroke="#888" stroke-dasharray="2 4"'
STYLE = "font-family: sans-serif; font-size: 12px; fill: #222"


@dataclass(frozen=True)
class Scale:
    """A logarithmic axis on the screen."""

    low: float
    high: float
    begin: float
    end: float

    def __call__(self, value):
        share = (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return self.begin + share * (self.end - self.begin)

    def ticks(self):
        """1, 10, 100... and 2 and 5 between them where there is room."""
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        steps = (1,) if self.high / self.low > 300 else (1, 2, 5)
        return [step * 10.0**decade for decade in decades for step in steps
                if self.low <= step * 10.0**decade <= self.high]


def scale(values, begin, end):
    low, high = min(values), max(values)
    room = max(1.1, (high / low) ** 0.06)
    return Scale(low / room, high * room, begin, end)


def number(value):
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def lines(records, axis, measure):
    """For each subject the medians along the axis: {subject: [(x, y)]}. What did not end well has no point."""
    value = MEASURES[measure][1]
    found = {}
    for record in growth.along(axis, [record for record in records if "seconds" in record]):
        found.setdefault(record["subject"], {}).setdefault(record[axis], []).append(value(record))
    return {subject: [(x, y) for x, runs in points.items() if (y := statistics.median(runs)) > 0]
            for subject, points in found.items()}


def _text(x, y, text, anchor="middle", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{html.escape(text)}</text>'


def _line(x1, y1, x2, y2, look):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {look}/>'


def _grid(x, y, marks):
    for value in marks:
        yield _line(x(value), y.begin, x(value), y.end, 'stroke="#e4e4e4"')
        yield _text(x(value), y.begin + 16, number(value))
    for value in y.ticks():
        yield _line(x.begin, y(value), x.end, y(value), 'stroke="#e4e4e4"')
        yield _text(x.begin - 6, y(value) + 4, number(value), "end")
    yield (f'<rect x="{x.begin}" y="{y.end}" width="{x.end - x.begin}" height="{y.begin - y.end}" fill="none" '
           'stroke="#888"/>')


def _curve(points, x, y, color):
    places = [(x(at), y(value)) for at, value in points]
    path = " ".join(f"{px:.1f},{py:.1f}" for px, py in places)
    yield f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>'
    for px, py in places:
        yield f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{color}"/>'


def _linear(x, y, start):
    """A line that grows as its axis does, from a point to the edge of the panel."""
    at, value = start
    end = min(x.high, y.high * at / value)
    return _line(x(at), y(value), x(end), y(value * end / at), DOTTED)


def panel(curves, colors, title, axis_name):
    every = [point for points in curves.values() for point in points]
    x = scale([at for at, _ in every], LEFT, WIDTH - RIGHT)
    y = scale([value for _, value in every], HEIGHT - BOTTOM, TOP)
    yield _text((LEFT + WIDTH) / 2, TOP - 10, title, more='font-weight="bold"')
    yield from _grid(x, y, sorted({at for at, _ in every}))
    yield _text((LEFT + WIDTH) / 2, HEIGHT - 8, axis_name)
    if curves.get("coppice"):
        yield _linear(x, y, curves["coppice"][0])
    for subject, points in curves.items():
        yield from _curve(points, x, y, colors[subject])


def legend(colors, y):
    for i, (subject, color) in enumerate(colors.items()):
        at = LEFT + 130 * i
        yield _line(at, y, at + 22, y, f'stroke="{color}" stroke-width="2"')
        yield _text(at + 28, y + 4, subject, "start")
    at = LEFT + 130 * len(colors)
    yield _line(at, y, at + 22, y, DOTTED)
    yield _text(at + 28, y + 4, "linear", "start")


def figure(axis, records):
    """The plot of one axis as SVG; nothing when there are no two points of it."""
    subjects = dict.fromkeys(record["subject"] for record in records)
    colors = {subject: COLORS[i % len(COLORS)] for i, subject in enumerate(subjects)}
    shapes = [name for name, shape in cases.GROWTH_SHAPES.items() if axis in shape.axes]
    panels = []
    for row, (measure, (measure_name, _)) in enumerate(MEASURES.items()):
        for column, shape in enumerate(shapes):
            curves = lines([record for record in records if record["case"] == shape], axis, measure)
            if not any(len(points) > 1 for points in curves.values()):
                continue
            inside = "".join(panel(curves, colors, f"{shape}: {measure_name}", AXIS_NAMES[axis]))
            panels.append(f'<g transform="translate({column * WIDTH} {row * HEIGHT})">{inside}</g>')
    if not panels:
        return ""
    width = max(len(shapes) * WIDTH, LEFT + 130 * (len(colors) + 1))
    height = len(MEASURES) * HEIGHT + LEGEND
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" style="{STYLE}"><rect width="100%" height="100%" fill="white"/>'
            f'{"".join(panels)}{"".join(legend(colors, height - LEGEND / 2))}</svg>\n')


def write(result_files, folder):
    results = [json.loads(path.read_text()) for path in result_files]
    records = [record for result in results if result["kind"] == "growth" for record in result["records"]]
    folder.mkdir(parents=True, exist_ok=True)
    for axis in cases.GROWTH_AXES:
        if drawn := figure(axis, records):
            (folder / f"growth_{axis}.svg").write_text(drawn)
            print(folder / f"growth_{axis}.svg")
