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


def arms_script(ident, title, bars, arms, unit):
    """For each of 'bars' ({name: {arm: value}}) a group with a bar for each
    arm, on a logarithmic scale."""
    script = [
        "set terminal svg size 940,420 dynamic font 'sans-serif,12'"
        " background rgb 'white' name %s" % quoted(ident),
        "set title %s noenhanced" % quoted(title),
        "set style data histograms",
        "set style histogram clustered gap 1",
        "set style fill solid noborder",
        "set logscale y",
        "set ylabel %s" % quoted(unit),
        "set key outside right top noenhanced samplen 2",
        "set grid ytics lc rgb '#dddddd'",
        "set border 3",
        "set tics nomirror",
        "set xtics rotate by -30 noenhanced",
        "$bars << END",
    ]
    script += [" ".join([quoted(name)] + ["%f" % max(values[arm], 0.1)
                                          for arm in arms])
               for name, values in bars.items()]
    script.append("END")
    script.append("plot " + ", ".join(
        "$bars using %d:xtic(1) lc rgb '%s' title %s" % (
            i + 2, COLOURS[i % len(COLOURS)], quoted(arm))
        for i, arm in enumerate(arms)))
    return "\n".join(script) + "\n"


def arms_svg(ident, title, bars, arms, unit):
    """The same as an <svg> element; empty if there is nothing to show."""
    return svg_of(arms_script(ident, title, bars, arms, unit)) if bars else ""


def ratio_svg(ident, title, series, low, high):
    """The same as an <svg> element; empty if there is nothing to show."""
    series = [(name, points) for name, points in series if points]
    if not series:
        return ""
    return svg_of(ratio_script(ident, title, series, low, high))


def svg_of(script):
    done = subprocess.run([find_program("gnuplot")], capture_output=True,
                          text=True, timeout=60, input=script)
    begin = done.stdout.find("<svg")
    if done.returncode or begin < 0:
        raise LabError("gnuplot failed: %s" % done.stderr.strip()[-300:])
    return done.stdout[begin:]
