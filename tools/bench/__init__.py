"""What netdom-bench is made of.

command  the command line, and the frame around each command
result   rows of goal and measured, as text, JSON and one HTML page
chart    gnuplot's charts as SVG
rate     the command 'rate'
"""
