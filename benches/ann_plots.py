"""Draws the figures of `ann.py` as SVG, without a library for it."""

import math

COLOURS = {"docent": "#c2410c", "hnswlib": "#1d4ed8", "usearch": "#15803d", "exact scan": "#c2410c", "faiss-flat": "#6b7280"}
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 440, 72, 130, 44, 56


class Chart:
    """Lines over two axes; `logarithmic` are the axes with powers of ten."""

    def __init__(self, title, across, up, x_range, y_range, logarithmic=""):
        self.ranges, self.logarithmic = {"x": x_range, "y": y_range}, logarithmic
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
            f'<text x="{LEFT}" y="24" font-size="15">{title}</text>',
            f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 14}" text-anchor="middle">{across}</text>',
            f'<text transform="translate(18 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">{up}</text>',
        ]
        self.names = 0

    def place(self, axis, value):
        low, high = self.ranges[axis]
        if axis in self.logarithmic:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        share = (value - low) / (high - low)
        if axis == "x":
            return LEFT + share * (WIDTH - LEFT - RIGHT)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def ticks(self, axis, values, text=str):
        for value in values:
            at = self.place(axis, value)
            if axis == "x":
                line = f'x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"'
                label = f'x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle"'
            else:
                line = f'x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"'
                label = f'x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end"'
            self.parts.append(f'<line {line} stroke="#e5e7eb"/><text {label}>{text(value)}</text>')

    def line(self, name, points, dashed=False):
        colour = COLOURS.get(name, "#000")
        low, high = self.ranges["x"]
        places = [(self.place("x", x), self.place("y", y)) for x, y in sorted(points) if low <= x <= high]
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        dash = ' stroke-dasharray="6 4"' if dashed else ""
        self.parts.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        self.parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        y = TOP + 14 + 20 * self.names
        x = WIDTH - RIGHT + 14
        self.parts.append(f'<line x1="{x}" x2="{x + 22}" y1="{y - 4}" y2="{y - 4}" stroke="{colour}" stroke-width="2"{dash}/>')
        self.parts.append(f'<text x="{x + 28}" y="{y}">{name}</text>')
        self.names += 1

    def write(self, path):
        path.write_text("\n".join([*self.parts, "</svg>"]) + "\n")


def decades(values):
    low, high = min(values), max(values)
    return 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high))


def powers(low, high):
    return [10**power for power in range(round(math.log10(low)), round(math.log10(high)) + 1)]


def draw(figures, folder):
    if "search" in figures:
        draw_recall(figures["search"], figures["docent"]["chunks"], folder / "index-recall.svg")
    if len(figures.get("growth", [])) > 1:
        draw_growth(figures["growth"], folder / "index-growth.svg")


def draw_recall(found, count, path):
    scan = found["scan"]
    times = [time for curve in found["curves"].values() for _, time in curve.values()] + [scan["faiss"], scan["docent"]]
    low, high = decades(times)
    title = f"recall@10 against time, {count:,} vectors of 384, one thread"
    chart = Chart(title, "recall@10", "microseconds a question", (0.8, 1.0), (low, high), "y")
    chart.ticks("x", [0.8, 0.85, 0.9, 0.95, 0.99, 1.0])
    chart.ticks("y", powers(low, high), lambda value: f"{value:,}")
    for name, curve in found["curves"].items():
        chart.line(name, [tuple(point) for point in curve.values()])
    chart.line("exact scan", [(0.8, scan["docent"]), (1.0, scan["docent"])], dashed=True)
    chart.line("faiss-flat", [(0.8, scan["faiss"]), (1.0, scan["faiss"])], dashed=True)
    chart.write(path)


def draw_growth(points, path):
    low, high = decades([point["chunks"] for point in points])
    times = [time for point in points for time in (point["at_95"], point["at_99"], point["scan"]) if time]
    least, most = decades(times)
    chart = Chart("time against size", "chunks", "microseconds a question", (low, high), (least, most), "xy")
    chart.ticks("x", powers(low, high), lambda value: f"{value:,}")
    chart.ticks("y", powers(least, most), lambda value: f"{value:,}")
    for name, key, colour in [("recall 0.95", "at_95", "#15803d"), ("recall 0.99", "at_99", "#1d4ed8"), ("exact scan", "scan", "#c2410c")]:
        COLOURS[name] = colour
        chart.line(name, [(point["chunks"], point[key]) for point in points if point[key]], dashed=key == "scan")
    chart.write(path)
