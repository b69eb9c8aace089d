"""Throughput over time, drawn by gnuplot as SVG that can stand inside a page.

Thread: any; pure but for running gnuplot.
Errors: LabError.
"""

import re
import subprocess

from lab.session import LabError, find_program

LABEL_APART = 0.025                     # Of the width.
COLOURS = ("#1b6ca8", "#d1495b", "#3a7d44", "#7b4b94")


class Line:
    """One line of a chart: points of (seconds, bit/s).  'steps': it holds
    its value until the next point, as a limit does."""

    def __init__(self, title, points, steps=False, colour=None):
        self.title = title
        self.points = points
        self.steps = steps
        self.colour = colour


def _quoted(text):
    return '"%s"' % re.sub(r'["\\`\n]', " ", text)


def chart_script(ident, title, lines, marks, end_s):
    """The gnuplot program for one chart.  'marks': (seconds, words,
    strong)."""
    peak = max((bps for line in lines for _, bps in line.points),
               default=0.0) / 1e6
    top = max(peak * 1.15, 1.0)
    script = [
        "set terminal svg size 940,270 dynamic font 'sans-serif,12'"
        " background rgb 'white' name %s" % _quoted(ident),
        "set title %s noenhanced" % _quoted(title),
        "set xrange [0:%f]" % max(end_s, 1.0),
        "set yrange [0:%f]" % top,
        "set xlabel 'seconds'",
        "set ylabel 'Mbit/s (L2)'",
        "set key outside right top noenhanced samplen 2",
        "set grid ytics lc rgb '#dddddd'",
        "set border 3",
        "set tics nomirror",
    ]
    labelled_s = -LABEL_APART * end_s
    for seconds, words, strong in marks:
        colour, width = ("#c00000", 2) if strong else ("#999999", 1)
        script.append(
            "set arrow from %f, graph 0 to %f, graph 1 nohead"
            " lc rgb '%s' lw %d dt 2" % (seconds, seconds, colour, width))
        # Where marks crowd, the plain ones keep their line only.
        if not strong and seconds - labelled_s < LABEL_APART * end_s:
            continue
        labelled_s = seconds
        script.append(
            "set label %s at %f, graph 0.98 rotate by 90 right"
            " offset 1,0 noenhanced font ',9' tc rgb '%s'"
            % (_quoted(words), seconds, colour))
    plots = []
    for number, line in enumerate(lines):
        block = "$line%d" % number
        script.append(block + " << END")
        script += ["%f %f" % (x, y / 1e6) for x, y in line.points]
        script.append("END")
        plots.append("%s using 1:2 with %s lw %g dt %d lc rgb '%s' title %s"
                     % (block, "steps" if line.steps else "lines",
                        2.0 if line.steps else 1.3, 2 if line.steps else 1,
                        line.colour or COLOURS[number % len(COLOURS)],
                        _quoted(line.title)))
    # gnuplot's "steps" go first along x, then along y: they hold a value.
    script.append("plot " + ", ".join(plots))
    return "\n".join(script) + "\n"


def chart_svg(ident, title, lines, marks, end_s):
    """A chart as an <svg> element."""
    lines = [line for line in lines if line.points]
    if not lines:
        return ""
    done = subprocess.run(
        [find_program("gnuplot")], capture_output=True, text=True,
        input=chart_script(ident, title, lines, marks, end_s), timeout=60)
    begin = done.stdout.find("<svg")
    if done.returncode or begin < 0:
        raise LabError("gnuplot failed: %s" % done.stderr.strip()[-300:])
    return done.stdout[begin:]
