"""A browser draws every figure of a report, and lays the page out without overlaps, clipped labels or sideways
scrolling, on a wide screen and on a phone, light and dark.

Usage: check_screenshots.py PROGRAM. Exit code 77, which ctest counts as skipped, without Chromium."""

import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pages import make_pages

WIDE, PHONE = 1280, 390
# A lone dot, the best trial of a study, has 38 or 39 pixels of the accent; an empty plot has none.
FEWEST_PIXELS = 30
FEWEST_FIGURES = 6
LOOKS = {"light": [("rare", PHONE), ("balanced", WIDE), ("quantity", PHONE), ("quantity", WIDE), ("study", PHONE),
                   ("emptied", PHONE)],
         "dark": [("rare", WIDE), ("balanced", PHONE), ("study", WIDE)]}

# Frames have the width that is asked for; a window may not be as narrow as a phone.
OUTER = """<!doctype html>
<pre id="told">[]</pre>
{frames}
<script>
addEventListener("message", (event) => {{
  const told = document.getElementById("told");
  told.textContent = JSON.stringify([...JSON.parse(told.textContent), event.data]);
}});
</script>"""
FRAME = '<iframe name="{name}-{width}" src="{name}.html" style="border: 0; width: {width}px; height: 2000px"></iframe>'


def find_chromium():
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def with_probe(page):
    """The page forbids scripts; the probe is one."""
    probe = (Path(__file__).parent / "probe.js").read_text()
    return re.sub(r"<meta http-equiv[^>]*>", "", page).replace("</body>", f"<script>{probe}</script></body>")


def look_at(looks, folder, theme):
    """What probe.js tells of each (page, width), by the frame's name."""
    outer = Path(folder) / "outer.html"
    frames = "\n".join(FRAME.format(name=name, width=width) for name, width in looks)
    outer.write_text(OUTER.format(frames=frames))
    scheme = {"light": 1, "dark": 0}[theme]
    dom = subprocess.run(
        [find_chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         f"--blink-settings=preferredColorScheme={scheme}", "--window-size=1400,2000",
         "--virtual-time-budget=20000", "--dump-dom", outer.as_uri()],
        check=True, capture_output=True, timeout=120).stdout.decode()
    told = json.loads(html.unescape(re.search(r'<pre id="told">(.*?)</pre>', dom, re.DOTALL).group(1)))
    return {frame["frame"]: frame for frame in told}


def overlap(a, b):
    """How far two boxes reach into each other, the lesser way."""
    return min(min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1]))


def figure_problems(figure):
    problems = []
    if figure["pixels"] < FEWEST_PIXELS:
        problems.append(f"is empty: {figure['pixels']} pixels of the accent")
    frame = figure["box"]
    for i, text in enumerate(figure["texts"]):
        left, top, right, bottom = text["box"]
        # A pixel: boxes are of the font, glyphs are smaller.
        if left < frame[0] - 1 or right > frame[2] + 1 or top < frame[1] - 1 or bottom > frame[3] + 1:
            problems.append(f"cuts off {text['text']!r}")
        # Two pixels: lines of text stand closer than the boxes of their font.
        problems += [f"has {text['text']!r} on {other['text']!r}"
                     for other in figure["texts"][:i] if overlap(text["box"], other["box"]) > 2]
    return problems


def problems_of(told, width):
    """What a reader would stumble over."""
    problems = [f"a table is wider than its place: {table!r}" for table in told["cut"]]
    if len(told["figures"]) < FEWEST_FIGURES:
        problems.append(f"the page has only {len(told['figures'])} figures")
    if told["width"] > width:
        problems.append(f"the page is {told['width']} pixels wide")
    return problems + [f"{figure['name']} {problem}"
                       for figure in told["figures"] for problem in figure_problems(figure)]


def main():
    if find_chromium() is None:
        return 77
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        pages = {name: path.read_text(encoding="utf-8") for name, path in make_pages(sys.argv[1], folder).items()}
        # A page without its marks, which must be found to be empty.
        pages["emptied"] = re.sub(r'<(path|circle) class="mark [^>]*>', r"<\1>", pages["rare"])
        for name, page in pages.items():
            (Path(folder) / f"{name}.html").write_text(with_probe(page), encoding="utf-8")
        for theme, looks in LOOKS.items():
            frames = look_at(looks, folder, theme)
            for name, width in looks:
                told = frames[f"{name}-{width}"]
                if name == "emptied":
                    full = [figure["name"] for figure in told["figures"] if figure["pixels"] >= FEWEST_PIXELS]
                    failures += [f"{figure} without its marks does not count as empty" for figure in full]
                    continue
                failures += [f"{name}, {width} pixels, {theme}: {problem}" for problem in problems_of(told, width)]
    print("\n".join(failures) or "every figure is drawn, every page is laid out")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
