"""Charts of what was set and what was measured, by gnuplot, as SVG that can
stand inside a page.

Thread: any; pure but for running gnuplot.
Errors: LabError.
"""

import re
import subprocess

from lab.plot import COLOURS
from lab.session import LabError, find_program


def quoted(text):
    return '"%s"' % re.sub(r'["\\`\n]', " ", str(text))


def ratio_script(ident, title, series, low, high):
    """Measured as a share of what was set, over what was set (logarithmic).
    'series': [(title, [(set bit/s, measured bit/s)])]."""
    ratios = [100 * got / want for _, points in series
              for want, got in points if want]
    bottom = min([low - 1] + [ratio - 1 for ratio in ratios])
    top = max([high + 1] + [ratio + 1 for ratio in ratios])
    script = [
        "set terminal svg size 940,330 dynamic font 'sans-serif,12'"
        " background rgb 'white' name %s" % quoted(ident),
        "set title %s noenhanced" % quoted(title),
        "set logscale x",
        "set yrange [%f:%f]" % (bottom, top),
        "set xlabel 'limit, Mbit/s (L2)'",
        "set ylabel 'measured, % of the limit'",
        "set key outside right top noenhanced samplen 2",
        "set grid ytics lc rgb '#dddddd'",
        "set border 3",
        "set tics nomirror",
        "set offsets graph 0.05, graph 0.05, 0, 0",
        "set object 1 rectangle from graph 0, first %f to graph 1, first %f"
        " behind fc rgb '#e8f3e8' fs noborder" % (low, high),
    ]
    plots = ["100 with lines lw 1 dt 2 lc rgb '#666666' title 'the limit'"]
    for i, (name, points) in enumerate(series):
        block = "$series%d" % i
        script.append(block + " << END")
        script += ["%f %f" % (want / 1e6, 100 * got / want)
                   for want, got in sorted(points) if want]
        script.append("END")
        plots.append("%s using 1:2 with linespoints pt 7 ps 0.7 lc rgb '%s'"
                     " title %s" % (block, COLOURS[i % len(COLOURS)],
                                    quoted(name)))
    script.append("plot " + ", ".join(plots))
    return "\n".join(script) + "\n"


def ratio_svg(ident, title, series, low, high):
    """The same as an <svg> element; empty if there is nothing to show."""
    series = [(name, points) for name, points in series if points]
    if not series:
        return ""
    done = subprocess.run(
        [find_program("gnuplot")], capture_output=True, text=True, timeout=60,
        input=ratio_script(ident, title, series, low, high))
    begin = done.stdout.find("<svg")
    if done.returncode or begin < 0:
        raise LabError("gnuplot failed: %s" % done.stderr.strip()[-300:])
    return done.stdout[begin:]
